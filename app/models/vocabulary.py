"""The words that columns hold; stored as text, so that a new word needs no migration."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class State(StrEnum):
    """Where an alert stands in its review."""

    NEW = "new"
    IN_REVIEW = "in_review"
    CLOSED = "closed"


class Disposition(StrEnum):
    """What the reviewer found; every closed alert has one."""

    DISTILLATION_CONFIRMED = "distillation_confirmed"
    DISTILLATION_SUSPECTED = "distillation_suspected"
    OTHER_ABUSE = "other_abuse"
    BENIGN_EXPECTED = "benign_expected"
    FALSE_POSITIVE = "false_positive"
    DUPLICATE = "duplicate"
    INSUFFICIENT_DATA = "insufficient_data"
    TEST = "test"


class Verdict(StrEnum):
    """A reviewer's label, for the benchmark and the next fit."""

    HARVESTING = "harvesting"
    BENIGN = "benign"
    UNSURE = "unsure"


class Action(StrEnum):
    """What a decision does to a client's requests."""

    TAG = "tag"
    THROTTLE = "throttle"
    DEGRADE = "degrade"
    BLOCK = "block"


class Mode(StrEnum):
    """What the gateways do."""

    OBSERVE = "observe"
    ENFORCE = "enforce"
    BYPASS = "bypass"


class Severity(StrEnum):
    """How far the evidence stands over the threshold."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def number(self) -> int:
        """OCSF's severity_id: 2 low, 3 medium, 4 high, 5 critical."""
        return SEVERITY_IDS[self]


SEVERITY_IDS = {Severity.LOW: 2, Severity.MEDIUM: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}
_BY_ID = {number: severity for severity, number in SEVERITY_IDS.items()}


class SeverityNumber(TypeDecorator[Severity]):
    """A severity stored as its number, so that the database compares and sorts it."""

    impl = sa.SmallInteger
    cache_ok = True

    @property
    def python_type(self) -> type[Severity]:
        """What the column holds in Python."""
        return Severity

    def process_bind_param(self, value: Severity | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The number; raises ValueError where the word is unknown."""
        return None if value is None else SEVERITY_IDS[Severity(value)]

    def process_result_value(self, value: int | None, dialect: Dialect) -> Severity | None:  # noqa: ARG002
        """The word."""
        return None if value is None else _BY_ID[value]
