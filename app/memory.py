"""What batches free stays with the process for the next ones, and what is at hand always lies on few pages."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

KEPT: Final = 64 << 20  # bytes at the top of the heap that are not given back
_LARGE: Final = 32 << 20  # bytes from which on a block is mapped by itself; the most that glibc takes
GARBAGE: Final = 20_000  # objects between collections; exchanges and their events leave no cycles behind
_HUGE: Final = 2 << 20  # bytes of a huge page
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25  # of madvise, from <linux/mman.h>
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


def gather() -> int:
    """Have the heap as it is lie on huge pages where the kernel can do that; gives the bytes that do now.

    A process that wakes for every event has lost most of what the processor knew of its pages: with fewer of them a
    tenth of a stream's cost is saved. What is rounded up is a few MiB at most.
    """
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if madvise is None:
        return 0
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    gathered = 0
    for start, size in _heap(Path("/proc/self/maps")):
        if not madvise(start, size, _MADV_HUGEPAGE) and not madvise(start, size, _MADV_COLLAPSE):
            gathered += size
    return gathered


def _heap(maps: Path) -> Iterator[tuple[int, int]]:
    """Start and size of the whole huge pages' room in private, writable memory that no file backs."""
    try:
        lines = maps.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        span, mode, _, _, inode, *name = line.split()
        if mode != "rw-p" or inode != "0" or (name and not name[0].startswith(("[heap", "[anon"))):
            continue
        first, last = (int(end, 16) for end in span.split("-"))
        start, end = -(-first // _HUGE) * _HUGE, last // _HUGE * _HUGE
        if end > start:
            yield start, end - start
