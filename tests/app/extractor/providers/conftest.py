"""Exchanges as they stood on the wire, one a file: request, a line of equals signs, answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.store.handoff import Copy

FOLDER = Path(__file__).parent / "wire"


def _load(name: str, **fields: Any) -> Copy:
    """The copy of the exchange in `wire/<name>.http`; `fields` stand in for the file's."""
    request, _, answer = (FOLDER / f"{name}.http").read_bytes().partition(b"\n========\n")
    head, _, body = request.partition(b"\n\n")
    first, kind = head.split(b"\n")
    method, target = first.split(b" ")
    answer_head, _, answer_body = answer.partition(b"\n\n")
    status, answer_kind = answer_head.split(b"\n")
    values: dict[str, Any] = {
        "at": 1_764_000_000.5,
        "client": 7,
        "peer": "203.0.113.9",
        "method": method.decode(),
        "target": target,
        "request_headers": ((b"content-type", kind.partition(b": ")[2]), (b"user-agent", b"test/1")),
        "request_body": body,
        "request_bytes": len(body),
        "request_cut": -1,
        "status": int(status),
        "response_headers": ((b"content-type", answer_kind.partition(b": ")[2]),),
        "response_body": answer_body,
        "response_bytes": len(answer_body),
        "response_cut": -1,
        "ttfb": 0.25,
        "duration": 1.5,
        "outcome": 0,
    }
    return Copy(**{**values, **fields})


@pytest.fixture(scope="session")
def wire():
    """Gives the copy of a named exchange."""
    return _load
