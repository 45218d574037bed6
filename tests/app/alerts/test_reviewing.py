"""What is the same in reviewing an alert and a campaign: the words given, the verdict's name, who has it."""

import pytest

from app.alerts import reviewing
from app.errors import Conflict, InvalidInput, NotFound, PreconditionRequired
from app.models.alert import Alert
from app.models.campaign import Campaign
from app.models.vocabulary import Disposition, State
from app.store.db import read_scope

KINDS = pytest.mark.parametrize("kind", [Alert, Campaign])


@KINDS
def test_it_is_taken_once_and_by_one(kind):
    name = reviewing.NAMES[kind][0]
    reviewed = kind(state=State.NEW)
    assert reviewing.take(reviewed, "ana")
    assert (reviewed.state, reviewed.assignee) == (State.IN_REVIEW, "ana")
    assert not reviewing.take(reviewed, "ana")
    with pytest.raises(Conflict, match=f"another reviewer has claimed the {name}"):
        reviewing.take(reviewed, "ben")
    reviewed.state = State.CLOSED
    with pytest.raises(Conflict, match=f"the {name} is closed"):
        reviewing.take(reviewed, "ana")


@KINDS
async def test_without_a_version_or_with_an_id_of_another_kind_nothing_is_locked(database, kind):
    other = "al_01h00000000000000000000000" if kind is Campaign else "cp_01h00000000000000000000000"
    async with read_scope(database) as session:
        with pytest.raises(PreconditionRequired):
            await reviewing.locked(session, kind, other, None)
        with pytest.raises(NotFound, match=f"no such {reviewing.NAMES[kind][0]}"):
            await reviewing.locked(session, kind, other, 1)


def test_words_are_trimmed_and_must_be_there_where_asked():
    assert reviewing.words("/reason", " new facts\n") == "new facts"
    assert reviewing.words("/note", " ", required=False) == ""
    for given in ("", "  ", "a\0b", "x" * (reviewing.NOTE_LIMIT + 1)):
        with pytest.raises(InvalidInput) as error:
            reviewing.words("/reason", given)
        assert error.value.pointer == "/reason"


def test_a_wrong_disposition_names_the_choices():
    assert reviewing.disposition_of("false_positive") is Disposition.FALSE_POSITIVE
    for given in (None, "", "guilty"):
        with pytest.raises(InvalidInput, match=r"choose one of .*false_positive"):
            reviewing.disposition_of(given)
