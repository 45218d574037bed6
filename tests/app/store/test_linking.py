"""The stream to the linker, on a real server: what is added comes out in order, and is forgotten once taken."""

import contextlib

import numpy as np
import pytest

from app.store import linking
from app.store.redis import Link
from app.store.stream import START
from detectors.event import zeros


@pytest.fixture
def link(redis_url):
    with contextlib.closing(Link(redis_url, 2.0)) as made:
        yield made


def some(count, first=0):
    events = zeros(count)
    events["client"] = np.arange(first, first + count)
    return events


def test_events_come_out_as_they_went_in_and_are_counted(link):
    link.pipeline(linking.publish_commands(some(3)))
    *_, added, taken = link.pipeline(linking.publish_commands(some(linking.BLOCK_EVENTS + 1, 3)))
    assert linking.waiting(added, taken) == linking.BLOCK_EVENTS + 4
    first = linking.parse(link.call(*linking.read_command(START, 2)))
    assert first.entries == 2
    assert first.events["client"].tolist() == list(range(linking.BLOCK_EVENTS + 3))
    link.pipeline(linking.done_commands(first.last, len(first.events)))
    assert linking.waiting(*link.pipeline(linking.waiting_commands())) == 1
    rest = linking.parse(link.call(*linking.read_command(START, 100)))
    assert rest.events["client"].tolist() == [linking.BLOCK_EVENTS + 3]


def test_nothing_waits_and_nothing_foreign_is_read(link):
    assert linking.parse(link.call(*linking.read_command(START, 9))).entries == 0
    link.call("XADD", linking.EVENTS, "*", "b", b"too short", "s", b"2")
    link.call("XADD", linking.EVENTS, "*", "b", some(1).tobytes(), "s", b"1")
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    assert (read.entries, len(read.events)) == (2, 0)


def test_one_owner_at_a_time_has_the_lease(link):
    assert link.call(*linking.renew_command("a", 10_000)) == 1
    assert link.call(*linking.renew_command("b", 10_000)) == 0
    assert link.call(*linking.renew_command("a", 10_000)) == 1
    assert link.call(*linking.release_command("b")) == 0
    assert link.call(*linking.release_command("a")) == 1
    assert link.call(*linking.renew_command("b", 10_000)) == 1
