"""Moments are taken as RFC 3339 writes them: a number is never one."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from app.api.moments import MOMENT, Moment

READ = TypeAdapter(Moment)


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31t14:00:00+02:00", "2026-01-31 12:00:00.000Z"])
def test_a_moment_with_its_offset_is_read(text):
    assert READ.validate_python(text) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert READ.validate_python(MOMENT).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text", ["1764282568", "20261127", "-1", "1e9", "", "2026-01-31", "2026-01-31T12:00:00", "20260131T120000Z"]
)
def test_a_number_or_half_a_moment_is_refused(text):
    with pytest.raises(ValidationError):
        READ.validate_python(text)
