"""Reading blocks: the same entries in whatever pieces they arrive, moved once, and nothing read that is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unavailable
from app.store import blocks
from app.store.blocks import Memory
from detectors.event import EVENT, SCHEMA
from tests.app.store.test_reply import arriving, encoded

SIZE = EVENT.itemsize
NOW = str(SCHEMA).encode()
WHOLE = 1 << 40


def entry(number: int, events: int, seed: int = 0, **fields: bytes) -> list[object]:
    data = np.random.default_rng(seed + number).bytes(events * SIZE)
    named = {"b": data, "s": NOW, "n": b"%d" % events} | fields
    return [
        b"%d-%d" % (2**63 + number, number),
        [part for name, value in named.items() for part in (name.encode(), value)],
    ]


def answer(*entries: list[object]) -> bytes:
    return encoded([[b"{p0}:events", list(entries)]])


@pytest.mark.parametrize("step", [1_009, 1 << 16, 1 << 19])
def test_every_entry_is_taken_in_whatever_pieces_it_arrives(step) -> None:
    entries = [entry(number, events) for number, events in enumerate([1, 256, 3, 2_000, 0, 256, 40])]
    reply = arriving(answer(*entries), step)
    taken = blocks.read(reply, WHOLE, Memory())
    assert taken.ids.tolist() == [[2**63 + number, number] for number in range(7)]
    assert taken.sizes.tolist() == [events * SIZE for events in [1, 256, 3, 2_000, 0, 256, 40]]
    assert taken.data.tobytes() == b"".join(fields[1] for _, fields in entries)
    assert reply.position == reply.end


def test_entries_beyond_the_limit_are_read_and_not_taken() -> None:
    entries = [entry(number, 10) for number in range(9)]
    reply = arriving(answer(*entries) + b"+next\r\n", 1_000)
    taken = blocks.read(reply, 25 * SIZE, Memory())
    assert (len(taken.ids), taken.seen, len(taken.data)) == (3, 9, 30 * SIZE)
    assert reply.line() == b"+next"


def test_memory_grows_with_what_comes_and_is_used_again(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "USUAL_BYTES", 1)
    monkeypatch.setattr(blocks, "RECEIVE_BYTES", 1)
    memory = Memory()
    entries = [entry(number, 50) for number in range(9)]
    taken = blocks.read(arriving(answer(*entries)), WHOLE, memory)
    assert taken.data.tobytes() == b"".join(fields[1] for _, fields in entries)
    held = memory.data
    assert blocks.read(arriving(answer(entry(3, 4))), WHOLE, memory).data.base is held


def test_nothing_waits() -> None:
    assert blocks.read(arriving(b"*-1\r\n"), WHOLE, Memory()) is None


@given(st.data())
def test_what_was_changed_on_the_way_is_read_or_refused_and_never_more_than_there_is(data) -> None:
    whole = bytearray(answer(entry(1, 1), entry(2, 2)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.sampled_from(b"$*-0179\r\n\xff"))
    try:
        taken = blocks.read(arriving(bytes(whole)), WHOLE, Memory())
    except Unavailable:
        return
    assert taken is None or taken.sizes.sum() == len(taken.data) <= len(whole)
