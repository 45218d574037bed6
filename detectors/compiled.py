"""Loops over events and text, compiled to machine code at their first call and kept on disk from then on."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numpy.typing import NDArray

_PACKAGE = Path(__file__).parent
_GIVEN: str = cast(Any, numba).config.CACHE_DIR  # NUMBA_CACHE_DIR as it was when we began
_IMPORT = re.compile(r"^from (detectors[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)

F = TypeVar("F", bound=Callable[..., Any])

_SETTLED: set[Any] = set()  # loops that `fold` has compiled: to ask each for its signatures takes longer than it runs
LOOPS: list[Any] = []
"""Every compiled loop that was imported so far, with its `signatures`."""


def compiled(function: F) -> F:
    """The same function as machine code; its arguments are numbers and arrays, their types found at the first call.

    Call it with the same types always: each other set of types is compiled anew, which takes seconds. Arithmetic is
    numpy's: no exception, no check of bounds, wrapping integers. One that another one calls becomes a part of it: as a
    call it would be handed each array as a dozen numbers, which takes longer than a step of most loops.
    """
    # The library knows a loop as stale by its own module alone; what is compiled into it may come from others.
    cast(Any, numba).config.CACHE_DIR = str(folder(Path(function.__code__.co_filename)))
    try:
        loop = numba.njit(cache=True, nogil=True, forceinline=True, error_model="numpy")(function)
    except RuntimeError:  # nowhere to write, and nothing there to read: compiled in each process
        loop = numba.njit(nogil=True, forceinline=True, error_model="numpy")(function)
    LOOPS.append(loop)
    return cast(F, loop)


def home() -> Path:
    """Where compiled code lies: NUMBA_CACHE_DIR, or beside the modules."""
    return Path(_GIVEN or _PACKAGE / "__pycache__") / "loops"


def folder(module: Path) -> Path:
    """Where the code of one module's loops lies: another place for every change of it or of what it imports of ours."""
    seen: dict[Path, bytes] = {}
    ahead = [module]
    while ahead:
        one = ahead.pop()
        if one not in seen:
            digest, imports = _read(one)
            seen[one] = digest
            ahead += imports
    whole = b"".join(name.name.encode() + seen[name] for name in sorted(seen))
    return home() / hashlib.blake2b(whole, digest_size=8).hexdigest()


def tidy() -> int:
    """Remove code of earlier versions; how many folders went. Call it when all loops are imported."""
    known = {folder(Path(loop.py_func.__code__.co_filename)) for loop in LOOPS}
    old = [one for one in home().glob("*") if one not in known]
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return len(old)


@lru_cache
def _read(module: Path) -> tuple[bytes, tuple[Path, ...]]:
    """A module's digest, and the modules of ours that it imports."""
    text = module.read_bytes()
    found: list[Path] = []
    for origin, names in _IMPORT.findall(text.decode()):
        place = _PACKAGE.joinpath(*origin.split(".")[1:])
        inside = [place / f"{name}.py" for name in re.findall(r"\w+", names)]
        found += [one for one in (place.with_suffix(".py"), *inside) if one.is_file()]
    return hashlib.blake2b(text, digest_size=16).digest(), tuple(found)


def fold(loop: Callable[..., None], fields: Sequence[NDArray[Any]], columns: Sequence[Any]) -> None:
    """Run a loop over fields of rows and columns of events; compiled once, for fields of any step and alignment.

    numpy takes a single row's field for contiguous, and where a detector's part of a row begins decides whether
    its numbers are aligned: neither may cost another compilation. Raises TypeError where a dtype is not that of
    the first call, or a column is not contiguous.
    """
    dispatcher = cast(Any, loop)
    if dispatcher not in _SETTLED:
        _settle(dispatcher, fields, columns)
    dispatcher(*fields, *columns)


def _settle(dispatcher: Any, fields: Sequence[NDArray[Any]], columns: Sequence[Any]) -> None:
    """Compile a loop for these types, and never for others."""
    if not dispatcher.signatures:
        kind, array = cast(Any, numba).typeof, cast(Any, numba).types.Array
        kinds = [array(kind(one).dtype, one.ndim, "A", aligned=False) for one in fields]
        dispatcher.compile((*kinds, *map(kind, columns)))
        dispatcher.disable_compile()
    _SETTLED.add(dispatcher)
