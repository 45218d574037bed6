"""What a loop over rows needs next is fetched while it is busy with this row.

A batch's rows are more than the near caches hold, and one is as far from the next as a row is long, which is more than
a processor foresees. A loop that asks for what it needs of each row some rows ahead does not wait for memory.
"""

from __future__ import annotations

from typing import Any, cast

import numba.core.cgutils
import numba.extending
from numpy.typing import NDArray

from detectors.compiled import compiled

ROWS = 6  # so far ahead: what a few rows take is about what memory takes
_LINE = 64  # bytes that are fetched from memory together
_READ, _KEPT, _DATA = 0, 3, 1  # of the instruction: to be read, kept in all caches, data


def _prefetch(_: Any, place: Any) -> Any:
    """The instruction that fetches a line; no processor faults at one, wherever the place is."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> None:
        tools = cast(Any, numba).core.cgutils
        flag, pointer = tools.ir.IntType(32), tools.ir.PointerType(tools.ir.IntType(8))
        kind = tools.ir.FunctionType(tools.ir.VoidType(), [pointer, flag, flag, flag])
        fetch = tools.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [builder.inttoptr(arguments[0], pointer), flag(_READ), flag(_KEPT), flag(_DATA)])

    return cast(Any, numba).types.void(place), generate


_fetch: Any = cast(Any, numba).extending.intrinsic(_prefetch)


@compiled
def ahead(first: NDArray[Any], last: NDArray[Any], row: int) -> None:
    """Ask for the fields from `first` to `last` of the row that is ROWS further on, which may be none of the batch."""
    begin, end = lines(first, last, row)
    for place in range(begin, end, _LINE):
        _fetch(place)


@compiled
def lines(first: NDArray[Any], last: NDArray[Any], row: int) -> tuple[int, int]:
    """Where the first line of those fields begins, and where the fields end."""
    begin = first.ctypes.data + (row + ROWS) * first.strides[0]
    size = last.ctypes.data - first.ctypes.data + last.size // max(len(last), 1) * last.itemsize
    return begin - begin % _LINE, begin + size
