"""First sights of models: new ones that several clients use count as released, others do not."""

from __future__ import annotations

import numpy as np
import pytest

from app.store import sights as module
from app.store.redis import Link
from app.store.sights import CLIENTS, MODELS, MOST_MODELS, Sights
from detectors.declared import Release
from detectors.event import zeros

START = 1_764_000_000.0
DAY = 86_400.0
OLD, NEW = 3, 8


@pytest.fixture
def sights(redis_url):
    links, told = [], []

    def make():
        links.append(Link(redis_url, 5.0))
        return Sights(links[-1], told.append), told

    yield make
    for link in links:
        link.close()


def requests(model, clients, at, **fields):
    events = zeros(len(clients))
    events["client"], events["model"], events["status"] = clients, model, 200
    events["at"] = START + np.asarray(at)
    for name, value in fields.items():
        events[name] = value
    return events


def note(sights, events):
    sights.note(events)
    sights.flush()


def test_a_new_model_that_several_clients_use_is_a_release_from_its_first_sight(sights) -> None:
    one, told = sights()
    note(one, requests(OLD, [1, 2, 3, 4], [0, 1, 2, 3]))
    note(one, requests(NEW, [1, 2], [5 * DAY, 5 * DAY + 60]))
    assert told == []
    note(one, requests(NEW, [3], [5 * DAY + 90]))
    assert told == [[Release(NEW, START + 5 * DAY)]]


def test_what_is_no_release(sights) -> None:
    one, told = sights()
    note(one, requests(OLD, [1], [0]))
    one.note(requests(11, [1, 2, 3], [DAY, DAY, DAY]))  # in the first two days every model is new
    one.note(requests(12, [1] * 9, [5 * DAY] * 9))  # one client's own model
    one.note(requests(13, [1, 2, 3], [5 * DAY] * 3, status=404))  # there is no such model
    one.note(requests(14, [1, 2, 3], [5 * DAY, 7 * DAY, 9 * DAY]))  # one here, one there
    assert told == []


def test_order_repetition_and_another_worker_change_nothing(sights) -> None:
    one, told = sights()
    note(one, requests(OLD, [1], [0]))
    events = requests(NEW, [1, 2, 3], [6 * DAY, 5 * DAY, 5.5 * DAY])
    note(one, events[:2])
    note(one, events[:2])
    other, _ = sights()
    note(other, events[2:])
    assert told == [[Release(NEW, START + 5 * DAY)]]
    note(one, events[:1])
    assert told[-1] == [Release(NEW, START + 5 * DAY)]


def fill(link, at):
    link.call("ZADD", MODELS, *(part for number in range(MOST_MODELS) for part in (repr(at), f"m{number}")))


def test_models_that_nobody_names_any_more_make_room(sights, redis_url) -> None:
    one, told = sights()
    note(one, requests(OLD, [1], [0]))
    link = Link(redis_url, 5.0)
    fill(link, START)
    note(one, requests(NEW, list(range(1, CLIENTS + 1)), [401 * DAY] * CLIENTS))
    assert told == [[Release(NEW, START + 401 * DAY)]]
    assert link.call("ZCARD", MODELS) == 1
    link.close()


def test_models_are_kept_up_to_a_number_here_and_in_redis(sights, redis_url, monkeypatch) -> None:
    one, told = sights()
    note(one, requests(OLD, [1], [0]))
    link = Link(redis_url, 5.0)
    fill(link, START + DAY)
    note(one, requests(NEW, list(range(1, CLIENTS + 1)), [5 * DAY] * CLIENTS))
    assert told == []
    monkeypatch.setattr(module, "MOST_SETTLED", 4)
    for name in range(100, 120):
        note(one, requests(name, [1], [6 * DAY]))
    assert len(one._settled) == 4
    link.close()
