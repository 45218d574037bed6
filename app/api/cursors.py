"""Cursors as the API hands them out: sealed with the deployment's secret, so that nobody makes one up."""

from __future__ import annotations

import hmac
from hashlib import sha256

from app.errors import CursorMismatch

TAG_LENGTH = 32  # hex digits: 128 bits


def _tag(secret: bytes, cursor: str) -> str:
    return hmac.new(secret, b"cursor\0" + cursor.encode(), sha256).hexdigest()[:TAG_LENGTH]


def seal(secret: bytes, cursor: str | None) -> str | None:
    """The cursor with its seal."""
    return None if cursor is None else f"{_tag(secret, cursor)}.{cursor}"


def unseal(secret: bytes, sealed: str | None) -> str | None:
    """The cursor within; CursorMismatch unless the seal is ours."""
    if sealed is None:
        return None
    tag, _, cursor = sealed.partition(".")
    if not cursor or not hmac.compare_digest(tag.encode(), _tag(secret, cursor).encode()):
        raise CursorMismatch("cursor", "it is no cursor of ours")
    return cursor
