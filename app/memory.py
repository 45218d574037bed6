"""What batches free stays with the process for the next ones."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

KEPT: Final = 64 << 20  # bytes at the top of the heap that are not given back
_LARGE: Final = 32 << 20  # bytes from which on a block is mapped by itself; the most that glibc takes
GARBAGE: Final = 20_000  # objects between collections; exchanges and their events leave no cycles behind
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, from <malloc.h>


def keep_freed() -> bool:
    """Have glibc keep freed memory; false where there is another allocator, which is left as it is.

    A batch's arrays are freed together, so that by default their pages go back to the kernel and come anew, zeroed,
    with the next batch: a quarter of the time of the features.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGE))


def settle() -> None:
    """Collect what loading left behind, leave what is loaded out of later collections, and have those seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
