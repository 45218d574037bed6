"""Decisions are counted, each request passes."""

from __future__ import annotations

from app.gateway.enforce import Enforcer
from app.store.decisions import Decision, Table


def _enforcer(*decisions):
    table = Table()
    for number, (client, action, simulated, start, end) in enumerate(decisions):
        table.apply(Decision(f"d{number}", client, action, simulated, start, end), 0)
    return Enforcer(table)


def test_simulated_and_real_decisions_are_counted_apart_while_they_last():
    enforcer = _enforcer((1, "block", True, 10, 20), (1, "tag", False, 10, 30), (2, "block", True, 0, 99))
    for now in (9, 10, 19.9, 20, 30):
        enforcer.decide(1, now)
    enforcer.decide(3, 15)
    assert enforcer.would_have == {"tag": 0, "throttle": 0, "degrade": 0, "block": 2}
    assert enforcer.not_enforced == {"tag": 3, "throttle": 0, "degrade": 0, "block": 0}


def test_unknown_actions_are_ignored_with_one_warning(caplog):
    enforcer = _enforcer((1, "vanish", False, 0, 99), (1, "vanish", True, 0, 99))
    for _ in range(3):
        enforcer.decide(1, 5)
    assert enforcer.unknown == 6
    assert caplog.text.count("vanish") == 1
