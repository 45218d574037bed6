"""What a linker knows is written and read whole; what is no snapshot is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from detectors.campaign import Linker, Settings, saved
from detectors.campaign.graph import Bounds
from detectors.campaign.rows import Own

SETTINGS = Settings(bounds=Bounds(singles=1 << 12, recurring=1 << 12))


@pytest.fixture
def linker(operator) -> Linker:
    made = Linker(SETTINGS)
    made.observe(operator(list(range(1, 6))))
    made.set_organisations({1: 7})
    made.set_bans({2: 5.0})
    made.forbid([(frozenset({1}), frozenset({2, 3}))])
    made.unite([(3, 4)])
    made.set_lists({"train": 9})
    made.tell({3: Own(2.5, 0.2)})
    return made


def test_all_comes_back(linker) -> None:
    again = Linker(SETTINGS)
    saved.read(again, linker.snapshot())
    for name in ("organisations", "bans", "forbidden", "united", "lists", "ranks", "expired_at"):
        assert getattr(again, name) == getattr(linker, name), name
    for name, column in linker.shut.arrays(linker.graph).items():
        assert np.array_equal(again.shut.arrays(again.graph)[name], column), name


def test_what_is_no_snapshot_is_refused(linker) -> None:
    file = io.BytesIO()
    np.savez(file, about=np.frombuffer(b'{"format": 0}', np.uint8))
    for data in (b"", linker.snapshot()[:-200], file.getvalue()):
        with pytest.raises(ValueError, match="snapshot"):
            saved.read(Linker(SETTINGS), data)
