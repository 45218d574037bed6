"""Templates to answers: one Jinja environment, one set of headers on every page."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from app.console import assets, charts, menu, words
from app.console.guard import HEADERS
from detectors.reference import LOOKS
from detectors.said import count as counted

_IDS = re.compile(r"\b(al|cp)_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")  # as models.base.new_id makes them
PRIVATE = {**HEADERS, "cache-control": "no-store"}


def _capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _linked(text: str) -> Markup:
    """Text with the ids of alerts and campaigns in it as links; what it says otherwise is escaped."""
    return Markup(_IDS.sub(_link, str(escape(text))))  # noqa: S704 - escaped first; an id has nothing to escape


def _link(found: re.Match[str]) -> str:
    path = {"al": "alerts", "cp": "campaigns"}[found[1]]
    return f'<a class="id" href="/{path}/{found[0]}">{found[0]}</a>'


@cache
def environment() -> Environment:
    """The templates, escaping everything and refusing unknown names."""
    folder = Path(__file__).parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        ago=words.ago,
        capitalize_first=_capitalize_first,
        clauses=words.clauses,
        client_level=words.level,
        compact=words.compact,
        count=words.count,
        counted=counted,
        disposition=words.disposition,
        duration=words.duration,
        iso=words.iso,
        linked=_linked,
        level_title=lambda level: words.LEVELS.get(level, str(level)),
        score=words.score,
        signed=words.signed,
        state_title=lambda name: words.STATES.get(name, words.words(name).capitalize()),
        unbroken=words.unbroken,
        utc=words.utc,
        utc_short=words.utc_short,
        words=words.words,
    )
    made.globals.update(
        asset=assets.url,
        compared=words.compared,
        first_look=LOOKS[0],
        first_page=menu.first,
        menu=menu.entries,
        mini_score=charts.mini_score,
        opens=menu.opens,
    )
    return made


def html(template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """A page that no cache keeps; `now` is set once, so that all ages on it agree."""
    base: dict[str, Any] = {"now": time.time(), "viewer": None, "csrf_token": "", "section": ""}
    text = environment().get_template(template).render({**base, **context})
    return Response(text, status, PRIVATE, "text/html")


def redirect(path: str) -> Response:
    """303 to one of our own pages."""
    return RedirectResponse(path, 303, PRIVATE)
