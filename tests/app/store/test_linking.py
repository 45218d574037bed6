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
        made.call(*linking.renew_command("", "a", 60_000))
        yield made


def some(count, first=0):
    events = zeros(count)
    events["client"] = np.arange(first, first + count)
    return events


def waiting(link):
    return linking.waiting(*link.pipeline(linking.waiting_commands()))


def test_events_come_out_as_they_went_in_and_are_counted(link):
    link.pipeline(linking.publish_commands(some(3)))
    *_, added, taken = link.pipeline(linking.publish_commands(some(linking.BLOCK_EVENTS + 1, 3)))
    assert linking.waiting(added, taken) == linking.BLOCK_EVENTS + 4
    first = linking.parse(link.call(*linking.read_command(START, 3)))
    assert (first.entries, first.unreadable) == (3, 0)
    assert first.events["client"].tolist() == list(range(linking.BLOCK_EVENTS + 3))
    assert first.added == 3
    assert link.call(*linking.done_command("a", first.last, first.added)) == 3
    rest = linking.parse(link.call(*linking.read_command(START, 100)))
    assert rest.events["client"].tolist() == [linking.BLOCK_EVENTS + 3]
    assert link.call(*linking.done_command("a", rest.last, rest.added)) == linking.BLOCK_EVENTS + 4
    assert waiting(link) == 0


def test_what_was_read_before_is_read_again_up_to_an_entry(link):
    link.pipeline(linking.publish_commands(some(3)))
    link.pipeline(linking.publish_commands(some(2, 3)))
    first = linking.parse(link.call(*linking.read_command(START, 2)))
    link.pipeline(linking.publish_commands(some(4, 5)))
    again = linking.parse([(linking.EVENTS, link.call(*linking.again_command(START, first.last, 100)))])
    assert (again.last, again.events["client"].tolist()) == (first.last, [0, 1, 2])
    assert not link.call(*linking.again_command(first.last, first.last, 100))
    assert linking.is_before(START, first.last)
    assert not linking.is_before(first.last, first.last)
    assert linking.is_before(b"9-10", b"10-9")
    assert linking.is_before(b"10-9", b"10-10")


def test_nothing_waits_and_nothing_foreign_is_read(link):
    assert linking.parse(link.call(*linking.read_command(START, 9))).entries == 0
    link.call("XADD", linking.EVENTS, "*", "b", b"too short", "s", b"2")
    link.call("XADD", linking.EVENTS, "*", "b", some(1).tobytes(), "s", b"1")
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    assert (read.entries, len(read.events), read.unreadable, read.added) == (2, 0, 2, 0)


def test_events_of_another_version_are_taken_with_the_rest(link, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(linking, "_SCHEMA", b"1")
        link.pipeline(linking.publish_commands(some(5)))
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    link.pipeline(linking.publish_commands(some(2)))
    assert (len(read.events), read.unreadable) == (0, 1)
    assert link.call(*linking.done_command("a", read.last, read.added)) == 5
    assert waiting(link) == 2


def test_what_is_forgotten_twice_is_taken_once(link):
    link.pipeline(linking.publish_commands(some(3)))
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    link.pipeline(linking.publish_commands(some(4)))
    for _ in range(2):
        assert link.call(*linking.done_command("a", read.last, read.added)) == 3
    assert waiting(link) == 4


def test_where_nothing_is_left_nothing_waits_whatever_was_counted(link):
    link.call("SET", linking.ADDED, 200_000)
    link.call("XADD", linking.EVENTS, "*", "b", some(1).tobytes(), "s", b"2")  # of a version without milestones
    assert waiting(link) == 200_000
    assert link.call(*linking.done_command("a", START, 0)) == 0
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    assert link.call(*linking.done_command("a", read.last, read.added)) == 200_000
    assert waiting(link) == 0


def test_who_lost_the_lease_forgets_and_tells_nothing(link):
    link.pipeline(linking.publish_commands(some(3)))
    read = linking.parse(link.call(*linking.read_command(START, 9)))
    for holder in ("b", ""):
        link.call(*linking.release_command("a"))
        if holder:
            link.call(*linking.renew_command("", holder, 60_000))
        assert link.call(*linking.done_command("a", read.last, read.added)) == -1
        assert link.call(*linking.tell_command("a", b"i", b"w")) == -1
        link.call(*linking.release_command(holder))
    assert (link.call("XLEN", linking.EVENTS), waiting(link)) == (2, 3)
    assert link.pipeline([("GET", linking.IMPORTED), ("GET", linking.WANTED)]) == [None, None]
    link.call(*linking.renew_command("", "c", 60_000))
    assert link.call(*linking.tell_command("c", b"i", b"w")) == 1
    assert link.pipeline([("GET", linking.IMPORTED), ("GET", linking.WANTED)]) == [b"i", b"w"]


def test_one_at_a_time_has_the_lease_and_who_finds_it_free_has_it_by_another_name(link):
    assert link.call(*linking.renew_command("a", "a2", 60_000)) == b"a"
    assert link.call(*linking.renew_command("b", "b2", 60_000)) is None
    assert link.call(*linking.release_command("b")) == 0
    assert link.call(*linking.release_command("a")) == 1
    assert link.call(*linking.renew_command("a", "a2", 60_000)) == b"a2"
    assert link.call(*linking.renew_command("a", "a2", 60_000)) == b"a2"  # the answer may have been lost
    assert link.call(*linking.holder_command()) == b"a2"
