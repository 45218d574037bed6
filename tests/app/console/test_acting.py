"""The steps of a review: what a refusal says, which version a form names, where its address leads."""

import pytest
from starlette.requests import Request

from app.console.acting import Incomplete, Steps, version_of
from app.errors import Conflict, InvalidInput, PreconditionFailed


async def nothing(*_):
    raise AssertionError


STEPS = Steps("campaign", "linker", nothing)


@pytest.mark.parametrize(
    ("form", "version"),
    [
        ({"version": "7"}, 7),
        ({}, None),
        ({"version": "-1"}, None),
        ({"version": "x"}, None),
        ({"version": "9" * 10}, None),
    ],
)
def test_the_version_that_a_form_was_shown_with(form, version):
    assert version_of(form) == version


def test_a_problem_names_its_field_and_a_conflict_says_who():
    named = STEPS.refused(InvalidInput("/disposition", "choose one of a, b"))
    assert (named.status, named.at) == (422, {"disposition": "Choose a disposition."})
    other = STEPS.refused(InvalidInput("/clients", "name only members"))
    assert other.at == {"clients": "Clients: name only members."}
    both = {"clients": "Tick members.", "split_reason": "Say why."}
    assert STEPS.refused(Incomplete(both), "split").at == both
    assert STEPS.refused(InvalidInput("/reason", "no"), "merge").at == {"merge_reason": "Say why."}
    assert STEPS.refused(InvalidInput("/reason", "no"), "reopen").at == {"reason": "Say why."}
    assert STEPS.refused(Conflict("the campaign is closed already")).conflict == "The campaign is closed already."
    changed = STEPS.refused(PreconditionFailed("the campaign is at version 4 now"))
    assert changed.status == 409
    assert changed.conflict.startswith("Someone else, or the linker, changed this campaign")


async def test_a_forms_address_leads_to_its_thing_and_nowhere_else():
    scope = {"type": "http", "path_params": {"campaign_id": "//evil.example"}}
    assert (await STEPS.back(Request(scope))).headers["location"] == "/campaigns/%2F%2Fevil.example"
