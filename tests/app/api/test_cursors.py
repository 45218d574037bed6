"""Only cursors that carry our seal are opened."""

import pytest

from app.api.cursors import seal, unseal
from app.errors import CursorMismatch

SECRET = b"k" * 32


def test_what_is_sealed_opens():
    assert unseal(SECRET, seal(SECRET, "abc.def")) == "abc.def"
    assert seal(SECRET, None) is None
    assert unseal(SECRET, None) is None


@pytest.mark.parametrize("change", ["", "x", ".", "x.abc", "é.abc"])
def test_what_is_not_ours_does_not(change):
    with pytest.raises(CursorMismatch):
        unseal(SECRET, change)


def test_another_deployments_seal_and_a_changed_cursor_do_not_open():
    sealed = seal(SECRET, "abc")
    for wrong in (seal(b"o" * 32, "abc"), sealed + "d", sealed[1:], sealed.upper()):
        with pytest.raises(CursorMismatch):
            unseal(SECRET, wrong)
