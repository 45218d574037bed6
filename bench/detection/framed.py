"""Templates and settings of uses that training alone has: every account draws among all wordings, for no test does."""

from __future__ import annotations

from typing import Any

from bench.detection import local, wordings
from bench.detection.compose import Maker
from bench.detection.paraphrase import reword

_RULED = 0.5  # of the templates of an operator with house rules
_SETTINGS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.7}, {"temperature": 1.0, "max_tokens": 2048}, {"temperature": 0.0}, {}, {"max_tokens": 4096},
    {"temperature": 0.8, "top_p": 0.95},
)  # fmt: skip


def framed(m: Maker, *options: str) -> str:
    """The operator's template; in this account's own words where it paraphrases."""
    chosen = m.joint.choice(options)
    chosen = local.put(chosen, m.language) if m.profile.local else chosen
    if m.rules and "{" in chosen and m.joint.random() < _RULED:
        chosen = wordings.ruled(chosen, m.rules)
    return reword(chosen, m.rng, m.reword) if m.reword else chosen


def settings(m: Maker) -> dict[str, Any]:
    """The operator's parameters: those that ordinary programs have too."""
    return dict(m.joint.choice(_SETTINGS))
