"""What decisions say about a request: nothing in observe, the strongest word in enforce, and no word unread."""

from __future__ import annotations

import pytest

from app.gateway.enforce import ACTIONS, Degrade, Enforcer, Verdict
from app.store.decisions import Decision
from app.store.table import Table

SLOW = {"rate_per_minute": 6, "burst": 1}


def enforcer_of(*decisions, enforcing=True):
    table = Table()
    for number, (action, simulated, parameters) in enumerate(decisions):
        table.apply(Decision(f"d{number}", 1, action, simulated, 10, 20, False, parameters), 0, 0)
    made = Enforcer(table)
    made.enforcing = enforcing
    return made


def counted(counter):
    return {action: count for action, count in counter.items() if count}


def test_nothing_is_said_of_others_nor_before_and_after():
    enforcer = enforcer_of(("block", False, {}))
    assert [enforcer.decide(1, now, now) is None for now in (9, 10, 19.9, 20)] == [True, False, False, True]
    assert enforcer.decide(2, 15, 15) is None


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("enforcing", "simulated"), [(False, False), (False, True), (True, True)])
def test_outside_of_enforce_and_in_simulation_it_only_counts(action, enforcing, simulated):
    parameters = {"throttle": SLOW, "degrade": {"max_n": 1}}.get(action, {})
    enforcer = enforcer_of((action, simulated, parameters), enforcing=enforcing)
    assert [enforcer.decide(1, 15, 15) for _ in range(3)] == [None] * 3
    assert counted(enforcer.would_have) == {action: 2 if action == "throttle" else 3}  # the burst would pass
    assert counted(enforcer.acted) == {}


def test_each_action():
    assert enforcer_of(("tag", False, {})).decide(1, 15, 15) == Verdict(tag="d0")
    assert enforcer_of(("block", False, {})).decide(1, 15, 15) == Verdict(block=True)
    throttled = enforcer_of(("throttle", False, SLOW))
    assert throttled.decide(1, 15, 15) is None
    assert throttled.decide(1, 15, 15) == Verdict(wait=10.0)
    assert counted(throttled.acted) == {"throttle": 1}
    policy = {"max_n": 2, "refuse_logprobs": True, "drop_reasoning": True}
    assert enforcer_of(("degrade", False, policy)).decide(1, 15, 15) == Verdict(degrade=Degrade(2, True, True))


def test_the_strongest_word_holds_and_the_others_are_not_counted_with_it():
    enforcer = enforcer_of(("tag", False, {}), ("throttle", False, SLOW), ("degrade", False, {"max_n": 1}))
    assert enforcer.decide(1, 15, 15) == Verdict(tag="d0", degrade=Degrade(1))
    assert enforcer.decide(1, 15, 15) == Verdict(wait=10.0)
    assert counted(enforcer.acted) == {"tag": 1, "degrade": 1, "throttle": 1}
    both = enforcer_of(("block", False, {}), ("tag", False, {}), ("throttle", True, SLOW))
    assert both.decide(1, 15, 15) == Verdict(block=True)
    assert (counted(both.acted), counted(both.would_have)) == ({"block": 1}, {})


def test_a_simulated_decision_is_counted_beside_a_real_one_of_the_same_action():
    enforcer = enforcer_of(("tag", True, {}), ("tag", False, {}), ("throttle", False, SLOW), ("throttle", True, SLOW))
    assert enforcer.decide(1, 15, 15) == Verdict(tag="d1")
    assert enforcer.decide(1, 15, 15) == Verdict(wait=10.0)
    assert counted(enforcer.acted) == {"tag": 1, "throttle": 1}
    assert counted(enforcer.would_have) == {"tag": 2, "throttle": 1}


def test_switching_takes_effect_with_the_next_request():
    enforcer = enforcer_of(("block", False, {}), enforcing=False)
    assert enforcer.decide(1, 15, 15) is None
    enforcer.enforcing = True
    assert enforcer.decide(1, 15, 15) == Verdict(block=True)
    enforcer.enforcing = False
    assert enforcer.decide(1, 15, 15) is None


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("vanish", {}),
        ("throttle", {}),
        ("throttle", {"rate_per_minute": 0, "burst": 1}),
        ("throttle", {"rate_per_minute": "6", "burst": 1}),
        ("throttle", {"rate_per_minute": True, "burst": 1}),
        ("throttle", {"rate_per_minute": float("nan"), "burst": 1}),
        ("throttle", {"rate_per_minute": 6, "burst": 0}),
        ("degrade", {}),
        ("degrade", {"refuse_logprobs": "yes"}),
        ("degrade", {"max_n": 0}),
        ("degrade", {"of_a_later_version": True}),
    ],
)
def test_what_it_cannot_read_is_ignored_with_one_warning(action, parameters, caplog):
    enforcer = enforcer_of((action, False, parameters))
    assert [enforcer.decide(1, 15, 15) for _ in range(3)] == [None] * 3
    assert (enforcer.unknown, counted(enforcer.acted)) == (3, {})
    assert len(caplog.records) == 1
    assert action in caplog.text


def test_the_strictest_decision_about_any_of_its_credentials_holds():
    enforcer = enforcer_of(("block", False, {}))  # about client 1
    assert enforcer.decide(2, 15, 15, (3, 1)) == Verdict(block=True)
    assert enforcer.decide(2, 15, 15, (3, 4)) is None
    assert enforcer.acted["block"] == 1


def several(*decisions):
    """An enforcer with decisions about clients 1, 2, 3, ..., the credentials of one request."""
    table = Table()
    for client, (action, parameters) in enumerate(decisions, 1):
        table.apply(Decision(f"d{client}", client, action, False, 0, 1e6, False, parameters), 0, 0)
    made = Enforcer(table)
    made.enforcing = True
    return made


@pytest.mark.parametrize("others", [(2, 3), (3, 2)])
def test_of_two_degrades_what_either_takes_away_is_taken_whichever_comes_last(others):
    enforcer = several(
        ("degrade", {"max_n": 2, "drop_reasoning": True}),
        ("degrade", {"max_n": 8}),
        ("degrade", {"refuse_logprobs": True}),
    )
    assert enforcer.decide(1, 15, 15, others) == Verdict(degrade=Degrade(2, True, True))
    assert counted(enforcer.acted) == {"degrade": 1}


def test_of_two_throttles_the_slower_rate_is_what_a_client_gets():
    """Each one's token was taken where the other refused: who asked all the time was hardly ever served."""
    fast, slow = {"rate_per_minute": 10, "burst": 1}, {"rate_per_minute": 6, "burst": 1}
    for pair in ((fast, slow), (slow, fast)):
        enforcer = several(*(("throttle", one) for one in pair))
        served = [at for at in range(600) if enforcer.decide(1, at, at, (2,)) is None]
        assert 50 <= len(served) <= 61
        assert enforcer.decide(1, 700, 700, (2,)) is None
        assert enforcer.decide(1, 700, 700, (2,)) == Verdict(wait=10.0)


def test_the_tag_is_that_of_the_client_itself():
    assert several(("tag", {}), ("tag", {})).decide(1, 15, 15, (2,)) == Verdict(tag="d1")
