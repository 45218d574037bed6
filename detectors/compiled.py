"""Loops over events and text, compiled to machine code at their first call and kept on disk from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

LOOPS: list[Any] = []
"""Every compiled loop that was imported so far, with its `signatures`."""


def compiled(function: F) -> F:
    """The same function as machine code; its arguments are numbers and arrays, their types found at the first call.

    The code lies beside the module (`__pycache__`), or in the user's cache folder where that cannot be written;
    a change of the module makes it stale. Call it with the same types always: each other set of types is
    compiled anew, which takes seconds. Arithmetic is numpy's: no exception, no check of bounds, wrapping integers.
    """
    loop = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    LOOPS.append(loop)
    return cast(F, loop)


def fold(loop: Callable[..., None], fields: Sequence[NDArray[Any]], columns: Sequence[Any]) -> None:
    """Run a loop over fields of rows and columns of events; compiled once, for fields of any step and alignment.

    numpy takes a single row's field for contiguous, and where a detector's part of a row begins decides whether
    its numbers are aligned: neither may cost another compilation. Raises TypeError where a dtype is not that of
    the first call, or a column is not contiguous.
    """
    dispatcher, any_numba = cast(Any, loop), cast(Any, numba)
    if not dispatcher.signatures:
        kind, array = any_numba.typeof, any_numba.types.Array
        kinds = [array(kind(one).dtype, one.ndim, "A", aligned=False) for one in fields]
        dispatcher.compile((*kinds, *map(kind, columns)))
        dispatcher.disable_compile()
    dispatcher(*fields, *columns)
