"""An Exchange is immutable, and one that could not be read still counts."""

from dataclasses import FrozenInstanceError

import pytest

from detectors.exchange import Channel, Dialect, Exchange, Finish, Operation, Outcome, Refusal, Usage


def test_the_default_exchange_is_an_opaque_request():
    exchange = Exchange(at=1.0, client=2)
    assert (exchange.dialect, exchange.operation) == (Dialect.OPAQUE, Operation.OTHER)
    assert (exchange.usage, exchange.outcome) == (Usage.ABSENT, Outcome.OK)
    assert exchange.choices == 1


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Exchange(at=1.0, client=2).client = 3


@pytest.mark.parametrize("kind", [Dialect, Operation, Outcome, Usage, Finish, Channel, Refusal])
def test_enums_fit_one_byte_and_are_stable(kind):
    """The numbers are stored in events: they may be added to, never renumbered."""
    assert [member.value for member in kind] == list(range(len(kind)))
    assert len(kind) < 256


def test_outcomes_are_those_of_the_gateway():
    assert [o.name.lower() for o in Outcome] == [
        "ok",
        "client_aborted",
        "upstream_error",
        "upstream_truncated",
        "timeout",
        "rejected",
    ]
