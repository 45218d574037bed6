"""Made-up embeddings: a unit vector for each text, the same for the same text, that says nothing of its meaning."""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from hashlib import shake_128
from typing import Any

import orjson

from app.sample import prose

DIMENSIONS = 256  # unless the request names another number
MOST_DIMENSIONS = 3072
MOST_TEXTS = 2048


def texts_of(body: dict[str, Any]) -> list[str] | None:
    """The texts to embed, tokens as their numbers; None where there are none, or too many."""
    given = body.get("input")
    if isinstance(given, str) or (isinstance(given, list) and given and all(isinstance(one, int) for one in given)):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_TEXTS:
        return None
    texts = [one if isinstance(one, str) else orjson.dumps(one).decode() for one in given]
    return texts if all(texts) else None


def document(body: dict[str, Any], texts: list[str]) -> bytes:
    """The answer as one JSON document."""
    size, packed = body.get("dimensions") or DIMENSIONS, body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(texts):
        drawn = [byte - 127.5 for byte in shake_128(f"{body['model']} {text}".encode()).digest(size)]
        length = math.hypot(*drawn)
        vector = [one / length for one in drawn]
        told = b64encode(struct.pack(f"<{size}f", *vector)).decode() if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": told})
    tokens = sum(map(prose.count, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return orjson.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage})
