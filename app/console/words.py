"""Numbers, durations and times as people read them; the one formatter of the dashboard."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from detectors.coverage import SAMPLED_WORDS
from detectors.reference import LOOKS

_PER_CENT = re.compile(r"(?<=\d) %")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SHARES = frozenset({"share", "fraction", "ratio01", "percent"})

DISPOSITIONS: tuple[tuple[str, str, str], ...] = (
    ("distillation_confirmed", "Distillation confirmed", "The client harvests completions to train another model"),
    ("distillation_suspected", "Distillation suspected", "Likely, not proven"),
    ("other_abuse", "Other abuse", "Wrong use, but not harvesting"),
    ("benign_expected", "Benign, expected", "An evaluation harness, a batch customer or the like"),
    ("false_positive", "False positive", "The evidence is wrong or misread"),
    ("duplicate", "Duplicate", "Handled in another alert"),
    ("insufficient_data", "Insufficient data", "Cannot be decided from what was seen"),
    ("test", "Test", "Traffic of our own"),
)
"""Value, title and meaning of each way to close an alert."""

STATES: dict[str, str] = {"new": "New", "in_review": "In review", "closed": "Closed"}
LEVELS: dict[int, str] = {2: "Review", 1: "Watch", 0: "Ordinary"}  # of detectors.base.Level
NOT_COMPARED = "Not compared yet"
SEVERITIES: tuple[str, ...] = ("critical", "high", "medium", "low")
FAMILIES: dict[str, str] = {
    "content": "Content",
    "surface": "Request surface",
    "rhythm": "Rhythm",
    "coordination": "Coordination",
}


def disposition(value: str | None) -> str:
    """The title of a disposition, or the value itself where it is not one of ours."""
    return next((title for name, title, _ in DISPOSITIONS if name == value), value or "")


def compared(level: int, requests: int) -> bool:
    """Whether a client with so many requests was compared with its peers: before that its level says nothing."""
    return level > 0 or requests >= LOOKS[0]


def level(number: int, requests: int) -> str:
    """The title of a client's level."""
    return LEVELS.get(number, str(number)) if compared(number, requests) else NOT_COMPARED


def words(name: str) -> str:
    """A machine name as words: `out_tokens` is `out tokens`."""
    return name.replace("_", " ").strip()


def clauses(sentence: str) -> tuple[str, str]:
    """What a sentence says first, and what it adds behind its first semicolon."""
    first, _, rest = sentence.partition("; ")
    return (f"{first}.", rest) if rest else (sentence, "")


def count(value: float) -> str:
    """A whole number with separators: 12431 is 12,431."""
    return f"{value:,.0f}"


def unbroken(text: str) -> str:
    """`text` with each number tied to its per cent sign, so that no line ends between the two."""
    return _PER_CENT.sub("\u00a0%", text)


def compact(value: float) -> str:
    """A large number short: 1234567 is 1.23 M."""
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if suffix == " k" else limit)
            return f"{scaled:.3g}{suffix}" if scaled < 1000 else f"{scaled:,.0f}{suffix}"
    return count(value) if float(value).is_integer() else f"{value:.3g}"


def score(value: float | None) -> str:
    """Evidence in nats, one decimal; a dash where it is unknown."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.1f}"


def signed(value: float) -> str:
    """A share of the evidence with its sign, one decimal: +3.9 or −0.8."""
    if math.isnan(value):
        return "–"
    return f"{'−' if value < 0 else '+'}{abs(value):.1f}"


def _percent(value: float) -> str:
    """Whole per cent where it is much, two digits where it is little; 100 only where it is all."""
    if 99 < value < 99.95:
        return "99 %"
    return f"{value:.0f} %" if value >= 9.95 or value <= 0 else f"{value:.2g} %"


def quantity(value: float | None, unit: str = "") -> str:
    """A measured value with its unit; shares become percentages, seconds durations."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit in SHARES:
        return _percent(value * 100 if unit != "percent" else value)
    if unit == "s":
        return duration(value)
    if unit == "exponent":
        return f"{2.0**value:.2f}× for each doubling"
    if unit == SAMPLED_WORDS:
        return quantity(8.0 * value, "words")
    if unit == "doublings":
        return f"{count(2.0**value) if value >= 6 else f'{2.0**value:.3g}'}×"
    text = count(value) if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"
    return text if unit in ("", "1", "count", "bits", "id", "hash") else f"{text} {unit}"


def percentile(value: float | None) -> str:
    """A percentile as an ordinal: 99.8 is 99.8th; empty where it is unknown."""
    if value is None or math.isnan(value):
        return ""
    if value >= 99.95:
        return "> 99.9th"
    text = f"{value:.1f}".removesuffix(".0")
    if "." in text:
        return f"{text}th"
    whole = int(text)
    ending = "th" if whole % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{text}{ending}"


def duration(seconds: float) -> str:
    """A span of time in its largest fitting unit: 95 is 95 s, 840 is 14 min."""
    if math.isnan(seconds):
        return "–"
    seconds = max(0.0, seconds)
    if seconds < 1 and seconds:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 48 * HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / DAY:.0f} d"


def moment(value: datetime | float | None) -> datetime | None:
    """Any of our times as an aware UTC datetime; zone-less ones are UTC by convention."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return datetime.fromtimestamp(value, UTC)


def utc(value: datetime | float | None) -> str:
    """`25 Nov 2026 17:32:36 UTC`: the zone is always printed."""
    at = moment(value)
    return "never" if at is None else f"{at.day} {at:%b %Y %H:%M:%S} UTC"


def utc_short(value: datetime | float | None) -> str:
    """`25 Nov 17:32 UTC`, for tables."""
    at = moment(value)
    return "never" if at is None else f"{at.day} {at:%b %H:%M} UTC"


def iso(value: datetime | float | None) -> str:
    """RFC 3339 with Z, for `<time datetime>`."""
    at = moment(value)
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(value: datetime | float | None, now: float) -> str:
    """`14 min ago`, `just now`, or `in 3 h` for what is still to come."""
    at = moment(value)
    if at is None:
        return "never"
    age = now - at.timestamp()
    if abs(age) < 1:
        return "just now"
    return f"{duration(age)} ago" if age > 0 else f"in {duration(-age)}"
