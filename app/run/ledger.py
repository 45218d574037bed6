"""`stillwatch ledger`: which clients received a text; the text is hashed here and goes nowhere."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from redis.exceptions import RedisError

from app.errors import InvalidInput, SettingError, Unavailable
from app.run.mode import REDIS_SECONDS, redis_url
from app.settings import Settings
from app.store.ledger import Match, lookup
from app.store.redis import connect
from app.store.secret import load_secret, text_seed
from detectors import grams
from detectors.said import count as counted
from detectors.text import normalise

PIECE: Final = 6_000  # characters hashed at once
OVERLAP: Final = 400  # of two pieces, so that no shingle is cut
MOST_CHARS: Final = 50_000_000
SHOWN: Final = 50
_SPACE = re.compile(r"\s")


def find(settings: Settings, file: Path) -> int:
    """Print the clients that received a file's text; 1 where there is none."""
    if not settings.ledger_bytes:
        raise SettingError("STILLWATCH_LEDGER_BYTES", "the ledger is off", "give it some bytes, and wait for answers")
    url = redis_url(settings)
    if not url:
        raise SettingError("REDIS_URL", "no Redis is named and none runs here", "give the address that workers use")
    hashes = _hashed(settings, file)
    with closing(connect(url, REDIS_SECONDS)) as client:
        try:
            matches = lookup(client.execute_command, hashes, time.time(), settings.ledger_days)
        except RedisError as error:
            raise Unavailable(f"Redis: {error}") from error
    _show(matches, len(hashes))
    return 0 if matches else 1


def hashes(settings: Settings, file: Path) -> int:
    """Print the hashes of a file's text, as the REST look-up takes them."""
    found = _hashed(settings, file)
    print(json.dumps({"hashes": [f"{one:08x}" for one in found.tolist()]}))  # noqa: T201
    return 0


def _hashed(settings: Settings, file: Path) -> NDArray[np.uint32]:
    """The hashes of a file's text; SettingError where it is too short to have one: it would be nobody's."""
    found = text_hashes(_read(file), text_seed(load_secret(settings)))
    if not len(found):
        remedy = "give at least four words, or six characters of a script that is written without spaces"
        raise SettingError("FILE", f"{file} is too short to look for", remedy)
    return found


def text_hashes(text: str, seed: int) -> NDArray[np.uint32]:
    """All shingles of a text of any length, each once, ascending, as answers' shingles are hashed."""
    found = [grams.shingles(normalise(piece), seed) for piece in _pieces(text)]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint32)


def _pieces(text: str) -> Iterator[str]:
    """Overlapping pieces that begin and end between words where there are any."""
    start = 0
    while start < len(text):
        end = min(start + PIECE, len(text))
        if end < len(text):
            space = _SPACE.search(text, end - OVERLAP // 4, end)
            end = space.start() if space else end
        yield text[start:end]
        if end == len(text):
            return
        begin = end - OVERLAP
        space = _SPACE.search(text, begin, begin + OVERLAP // 4)
        start = space.end() if space else begin


def _read(file: Path) -> str:
    try:
        text = file.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise InvalidInput("FILE", f"{file}: {error.strerror or error}") from None
    if len(text) > MOST_CHARS:
        raise InvalidInput("FILE", f"{file}: more than {MOST_CHARS:,} characters; give a part of it")
    return text


def _show(matches: list[Match], shingles: int) -> None:
    if not matches:
        many = counted(shingles, "shingle")
        print(f"no client received it, as far as the ledger knows ({many} looked for)")  # noqa: T201
        return
    print(f"{'CLIENT':19}  {'FOUND':>5}  {'ANSWERS':>7}  {'FIRST':16}  {'LAST':16}")  # noqa: T201
    for match in matches[:SHOWN]:
        first, last = (time.strftime("%Y-%m-%d %H:%M", time.gmtime(at)) for at in (match.first, match.last))
        print(f"cl_{match.client:016x}  {match.share:5.0%}  {match.answers:7,}  {first}  {last}")  # noqa: T201
    if len(matches) > SHOWN:
        print(f"and {len(matches) - SHOWN:,} more")  # noqa: T201
