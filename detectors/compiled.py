"""Loops over events and text, compiled to machine code at their first call and kept on disk from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

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
