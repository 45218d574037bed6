"""What the look-up takes: hashes of 8 digits, a bounded number, nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.api.ledger_schemas import MOST_HASHES, MOST_IN_QUERY, LedgerBody, LedgerQuery


def test_hashes_are_taken_up_to_a_limit() -> None:
    assert LedgerBody(hashes=["00c0ffee"] * MOST_HASHES).hashes[0] == "00c0ffee"
    assert LedgerQuery(hash=["00c0ffee"] * MOST_IN_QUERY).hash[0] == "00c0ffee"


@pytest.mark.parametrize("hashes", [[], ["00C0FFEE"], ["c0ffee"], ["00c0ffee1"], ["some text"], ["00c0ffee"] * 5_001])
def test_anything_else_is_refused(hashes) -> None:
    with pytest.raises(ValidationError):
        LedgerBody(hashes=hashes)


def test_unknown_members_are_refused() -> None:
    with pytest.raises(ValidationError):
        LedgerBody(hashes=["00c0ffee"], text="the text itself")
