"""Copies of exchanges as the gateway hands them over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.store.handoff import Copy


def _copy(body: Any = None, answer: Any = b"", **fields: Any) -> Copy:
    """A chat completion's copy; `body` and `answer` may be JSON values or bytes."""
    sent = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    got = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    kind = b"application/json" if got.startswith((b"{", b"[")) else b"text/event-stream"
    values: dict[str, Any] = {
        "at": 1_764_000_000.5,
        "client": 7,
        "peer": "203.0.113.9",
        "method": "POST",
        "target": b"/v1/chat/completions",
        "request_headers": ((b"content-type", b"application/json"), (b"user-agent", b"OpenAI/Python 3.3.0")),
        "request_body": sent,
        "request_bytes": len(sent),
        "request_cut": -1,
        "status": 200,
        "response_headers": ((b"content-type", kind),),
        "response_body": got,
        "response_bytes": len(got),
        "response_cut": -1,
        "ttfb": 0.25,
        "duration": 1.5,
        "outcome": 0,
    }
    return Copy(**{**values, **fields})


@pytest.fixture(scope="session")
def copy_of():
    """Builds a Copy."""
    return _copy
