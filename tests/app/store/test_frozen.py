"""What is made quickly is what the class itself makes, and as frozen."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from app.store.frames import Copy, Counters
from app.store.frozen import maker
from detectors.exchange import Exchange, Message

COPY = ("203.0.113.9", "POST", b"/v1", (), b"{}", 2, -1, 200, ((b"a", b"b"),), b"{}", 2, -1, 0.1, 1.0, 0)


@pytest.mark.parametrize(
    ("frozen", "values", "named"),
    [
        (Exchange, (), {"at": 1.0, "client": 2, "messages": (Message("user", "a"),), "seed": 3}),
        (Exchange, (1.0, 2), {}),
        (Copy, (1.0, 7, *COPY), {}),
        (Counters, ("a", {"b": 1.0}), {}),
    ],
)
def test_it_is_the_same(frozen, values, named):
    make = maker(frozen)
    made, plain = make(*values, **named), frozen(*values, **named)
    assert type(made) is frozen
    assert made == plain
    assert repr(made) == repr(plain)
    name = frozen.__dataclass_fields__.copy().popitem()[0]
    assert replace(made, **{name: getattr(plain, name)}) == plain
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, None)
    with pytest.raises(TypeError):
        make(*values, **named, nothing=1)


def test_defaults_that_are_made_are_made_anew():
    make = maker(Counters)
    make("a", {}).accounts["client"] = "who"
    assert make("a", {}).accounts == {}
