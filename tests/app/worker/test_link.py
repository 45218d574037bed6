"""Handing events on to the linker never holds scoring up: what finds no room, or no Redis, is counted."""

from collections import Counter

import pytest

from app.store import linking
from app.store.redis import Link
from app.worker.link import BACKOFF_SECONDS, LATELY_SECONDS, LOOK_SECONDS, Handover
from detectors.event import zeros


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counts():
    return Counter()


def test_events_are_handed_on_until_there_is_no_room_and_again_when_there_is(redis_url, clock, counts, monkeypatch):
    monkeypatch.setattr(linking, "MOST_EVENTS", 10)
    handover, link = Handover(redis_url, counts, clock), Link(redis_url, 2.0)
    handover.give(zeros(8))
    handover.give(zeros(8))
    assert counts == {"linking_events": 8, "linking_left_out": 8}
    assert (handover.waiting, handover.leaves_out) == (8, True)
    read = linking.parse(link.call(*linking.read_command(b"0-0", 9)))
    link.call(*linking.renew_command("", "a", 60_000))
    link.call(*linking.done_command("a", read.last, read.added))
    handover.give(zeros(1))  # it has just looked
    clock.now += 2 * LOOK_SECONDS
    handover.give(zeros(8))
    handover.give(zeros(0))
    assert counts == {"linking_events": 17, "linking_left_out": 8}
    assert handover.leaves_out
    clock.now += LATELY_SECONDS
    assert (handover.waiting, handover.leaves_out) == (9, False)
    handover.close()
    link.close()


def test_without_redis_it_is_counted_and_tried_again_later(private_valkey, clock, counts):
    private_valkey.start()
    handover = Handover(private_valkey.url, counts, clock)
    handover.give(zeros(1))
    private_valkey.kill()
    for _ in range(3):
        handover.give(zeros(2))
    assert counts == {"linking_events": 1, "linking_left_out": 6, "linking_errors": 1}
    private_valkey.start()
    clock.now += 2 * BACKOFF_SECONDS
    handover.give(zeros(2))
    assert counts["linking_events"] == 3
    handover.close()
