"""The form of a decision by hand: only what belongs to the action, and what was typed is never lost."""

from __future__ import annotations

import pytest

from app.console import deciding
from app.errors import Forbidden, InvalidInput
from app.models.vocabulary import Action
from app.policies import manual
from app.policies.manual import LONGEST, SHORTEST

SCOPES = {deciding.WRITE, deciding.BLOCK}
FORM = {
    "action": "tag",
    "duration": "3600",
    "why": "because",
    "rate": "6",
    "burst": "3",
    "max_n": "1",
    "simulated": "on",
}


def ordered(**changes):
    return deciding.order(FORM | changes, "cl_1", "al_1", SCOPES)


def test_every_action_is_offered_with_what_it_does_to_the_customer():
    assert [name for name, _, _ in deciding.ACTIONS] == list(map(str, Action))
    assert all(effect.endswith(".") for _, _, effect in deciding.ACTIONS)
    assert [name for name, _, _ in deciding.actions({deciding.WRITE})] == ["tag", "throttle", "degrade"]
    assert all(SHORTEST <= float(seconds) <= LONGEST for seconds, _ in deciding.DURATIONS)


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, {}),
        ({"action": "block"}, {}),
        ({"action": "throttle"}, {"rate_per_minute": 6, "burst": 3}),
        ({"action": "throttle", "rate": "0.5"}, {"rate_per_minute": 0.5, "burst": 3}),
        ({"action": "throttle", "rate": "fast"}, {"rate_per_minute": "fast", "burst": 3}),
        ({"action": "degrade"}, {"max_n": 1}),
        ({"action": "degrade", "max_n": " ", "drop_reasoning": "on"}, {"drop_reasoning": True}),
    ],
)
def test_only_the_fields_of_the_action_count(changes, parameters):
    assert ordered(**changes).parameters == parameters


def test_the_box_decides_whether_it_is_simulated():
    assert ordered().simulated is True
    form = {name: value for name, value in FORM.items() if name != "simulated"}
    assert deciding.order(form, "cl_1", "al_1", SCOPES).simulated is False
    assert (ordered().client_id, ordered().alert_id, ordered().seconds) == ("cl_1", "al_1", 3600.0)


def test_what_may_not_be_chosen_is_refused():
    with pytest.raises(Forbidden, match="decisions:block"):
        deciding.order(FORM | {"action": "block"}, "cl_1", "al_1", {deciding.WRITE})
    for duration in ("", "1", "99999999", "soon"):
        with pytest.raises(InvalidInput):
            ordered(duration=duration)


def test_what_was_entered_comes_back_with_what_is_wrong():
    form = {"action": "degrade", "why": "x", "max_n": "many", "drop_reasoning": "on"}
    found = deciding.entered(form, InvalidInput("/parameters/max_n", "give a whole number"))
    assert (found.given, found.action, found.reason, found.max_n) == (True, "degrade", "x", "many")
    assert (found.drop_reasoning, found.refuse_logprobs, found.simulated) == (True, False, False)
    assert (found.problem, found.invalid) == ("Answers to a prompt: give a whole number.", "/parameters/max_n")


@pytest.mark.parametrize(
    ("word", "mode", "text"),
    [
        ("decided", "enforce", "Decided. The gateways follow within two seconds."),
        ("decided", "bypass", "The mode is bypass, so the customer is served as ever until somebody switches"),
        ("decided-later", "enforce", "Decided. Redis does not answer: the gateways follow when it is back."),
        ("simulated", "observe", "Decided. Simulated: the gateways count what it would do"),
        ("revoked", "observe", "Revoked. The gateways follow within two seconds."),
    ],
)
def test_what_is_said_afterwards_is_true_in_every_mode(word, mode, text):
    assert text in deciding.said(word, mode)
    assert deciding.said(word, mode, "12 members").partition(". ")[0].endswith("d: 12 members")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"action": "throttle", "duration": "14400"}, "Throttle to 6 requests a minute for 4 hours, simulated"),
        ({"action": "throttle", "rate": "1"}, "Throttle to 1 request a minute for 1 hour, simulated"),
        ({"action": "degrade", "duration": "604800"}, "Degrade for 7 days, simulated"),
    ],
)
def test_an_order_is_said_in_one_phrase(changes, said):
    assert deciding.summary(manual.draft(ordered(**changes), "ana", 1_800_000_000.0)) == said


def test_what_is_real_is_said_so_and_the_newest_of_ones_own_is_told():
    real = {name: value for name, value in FORM.items() if name != "simulated"}
    tag = manual.draft(deciding.order(real, "cl_1", None, SCOPES), "ana", 1_800_000_000.0)
    block = manual.draft(ordered(action="block"), "ben", 1_800_000_001.0)
    assert deciding.newest([block, tag], "ana") == "Tag for 1 hour, real"
    assert deciding.newest([block], "ana") == ""
    assert "answered with 403" in deciding.effect("block")


def test_only_the_order_is_kept_of_a_form():
    assert deciding.kept(FORM | {"csrf": "x", "version": "1", "expected": "2", "step": "change"}) == FORM


def test_an_unknown_word_says_nothing():
    assert deciding.said("<b>", "observe") == ""
    assert deciding.done("decided", told=False, simulated=True) == "simulated"
    assert deciding.done("revoked", told=False) == "revoked-later"
