"""The table of features in docs/features.md, written from the event's own definition.

python -m bench.features          writes the table between the marks
"""

from __future__ import annotations

import re
from pathlib import Path

from detectors import elicitation, event, exchange, grading, synthesis
from detectors.event import EVENT, FIELDS, SCHEMA, Flag, Listed
from detectors.text import SCRIPTS

DOCUMENT = Path(__file__).parents[1] / "docs" / "features.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
ENUMS = (
    exchange.Dialect,
    exchange.Operation,
    exchange.Channel,
    exchange.Outcome,
    exchange.Usage,
    exchange.Finish,
    exchange.Refusal,
    event.Kind,
)


def table() -> str:
    """The fields, the flags and the enums as Markdown."""
    lines = [
        f"Schema {SCHEMA}, {EVENT.itemsize} bytes an event.",
        "",
        "| field | type | unit | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{one.name}` | `{one.dtype}` | {one.unit or '–'} | {one.meaning} |" for one in FIELDS]
    lines += ["", "| flag | bit |", "|---|---|"]
    lines += [f"| `{flag.name}` | {flag.value.bit_length() - 1} |" for flag in Flag]
    lines += ["", "| list | bit in `listed` |", "|---|---|"]
    lines += [f"| `{one.name}` | {one.value.bit_length() - 1} |" for one in Listed]
    lines += ["", "| enum | values |", "|---|---|"]
    lines += [f"| `{one.__name__}` | {', '.join(f'{item.value} {item.name}' for item in one)} |" for one in ENUMS]
    for name, values in (
        ("text.SCRIPTS", SCRIPTS),
        ("elicitation.CLASSES, by bit", elicitation.CLASSES),
        ("grading.CLASSES, by bit", grading.CLASSES),
        ("synthesis.CLASSES, by bit", synthesis.CLASSES),
    ):
        lines.append(f"| `{name}` | {', '.join(f'{place} {value}' for place, value in enumerate(values))} |")
    return "\n".join(lines)


def main() -> None:
    """Renew the document."""
    text = DOCUMENT.read_text("utf-8")
    block = f"{BEGIN}\n\n{table()}\n\n{END}"
    DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
