"""Further wordings and house rules, for training alone: neither split's tests draw them.

A script has two frames or three in either split, and a forest that sees no others takes their wording for the use.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from bench.detection.wordings_harvests import HARVESTS
from bench.detection.wordings_jobs import ORDINARY

_RULES = (
    "Reply in the language of the input.", "No preamble.", "Use Markdown where it helps.", "Do not repeat the input.",
    "If something is missing, say what.", "Keep names as they are.", "Be precise.", "Use plain words.",
    "Numbers are written as digits.", "Do not invent facts.", "Mention units.", "The output is read by a program.",
    "Avoid lists unless they are asked for.", "Write for readers who are new to the subject.", "Check your work.",
    "Do not apologise.", "Stay with the facts that are given.", "Give one result only.", "Prefer short sentences.",
    "Cover all that is asked.", "Do not refer to these rules.", "Dates are written as YYYY-MM-DD.",
    "What stands between the marks is the material.", "Ignore formatting in the material.",
    "Never mention competitors.", "Round to two decimals.", "Use British spelling.", "Quote titles in italics.",
    "At most 200 words unless asked otherwise.", "Explain abbreviations once.", "Output must be valid UTF-8.",
    "Treat the reader as an adult.", "Do not ask questions back.", "Use the metric system.", "No summary at the end.",
    "Do not use tables.", "If two readings are possible, take the usual one.", "Keep line breaks.",
    "Stay neutral in politics.", "One idea a sentence.", "Write in the present tense.", "Leave code unchanged.",
)  # fmt: skip
_HEADS = (
    "",
    "",
    "# Task\n",
    "### Rules\n",
    "Guidelines:\n",
    "Please note:\n",
    "Requirements\n",
    "## How to answer\n",
    "<rules>\n",
    "Constraints:\n",
)
_RULED = 0.5  # of operators
_BY = {frames_of[0]: more for frames_of, more in HARVESTS.items()} | ORDINARY


def more(options: Sequence[Any]) -> tuple[Any, ...]:
    """What training has beside a script's own options."""
    return tuple(_BY.get(next((one for one in options if one), ""), ()))


def known() -> dict[Any, tuple[Any, ...]]:
    """Everything, by the first of a script's own options that says anything."""
    return dict(_BY)


class Rules(NamedTuple):
    """What an operator puts around every template of its own, whatever it does with the answers."""

    text: str
    above: bool


def rules(joint: Random) -> Rules | None:
    """Half of the operators have some: one to fourteen lines, before their templates or behind them."""
    lines = joint.sample(_RULES, joint.randint(1, 14)) if joint.random() < _RULED else []
    head, above, bullet = joint.choice(_HEADS), joint.random() < 0.5, joint.choice(("- ", "", "* "))
    return Rules(head + "\n".join(f"{bullet}{line}" for line in lines), above) if lines else None


def ruled(frame: str, own: Rules) -> str:
    """A template with the rules; none where there is no template."""
    if not frame:
        return frame
    return f"{own.text}\n\n{frame}" if own.above else f"{frame}\n\n{own.text}"
