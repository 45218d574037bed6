"""Instances of frozen dataclasses made quickly, for the classes of which one is made for every exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


def maker(frozen: type[T]) -> Callable[..., T]:
    """What calls like the class and gives the same instance, for a third of the time.

    A frozen dataclass sets each field by a call, past its own guard. Here an open class of the same slots takes the
    fields, and the instance is handed over to the frozen class when it is whole.
    """
    told = [
        (one.name, one.type, field(default=one.default, default_factory=one.default_factory))
        for one in fields(cast(Any, frozen))
    ]
    opened: Any = make_dataclass(frozen.__name__, told, slots=True)

    def make(*values: Any, **named: Any) -> T:
        made = opened(*values, **named)
        made.__class__ = frozen
        return cast(T, made)

    return make
