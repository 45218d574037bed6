"""Scopes are a closed list."""

import pytest

from app.access.scopes import READ_ONLY, SCOPES, checked
from app.errors import InvalidInput


def test_scopes_are_sorted_and_single():
    assert checked(["alerts:read", "alerts:read", "alerts:write"]) == ["alerts:read", "alerts:write"]
    assert checked(SCOPES) == sorted(SCOPES)


@pytest.mark.parametrize("scopes", [[], [""], ["alerts:read", "alerts"], ["ALERTS:READ"]])
def test_others_are_refused_and_the_choices_named(scopes):
    with pytest.raises(InvalidInput, match="alerts:write"):
        checked(scopes)


def test_read_only_only_reads():
    assert set(READ_ONLY) < set(SCOPES)
    assert not any("write" in scope or "admin" in scope for scope in READ_ONLY)
