"""Reads what proxies write of those before them, from the right: what stands on the left any client may write."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

READ_BYTES = 8192  # from the right; nobody's own chain is longer
_PORT = re.compile(r"(?:\d{1,5}|_[A-Za-z0-9._-]{1,32})\Z")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::(.*))?\Z")


def address(text: str) -> str | None:
    """The address in a list's element, in one spelling, without port, quotes or brackets; None where it is none."""
    text = text.strip()
    if text[:1] == '"':
        text = text[1:-1] if len(text) > 1 and text[-1] == '"' else ""
    port: str | None = None
    if text[:1] == "[":
        match = _BRACKETED.match(text)
        if match is None:
            return None
        text, port = match[1], match[2]
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
    if (port is not None and not _PORT.match(port)) or len(text) > 45 or "%" in text:
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def split_right(text: str, mark: str) -> Iterator[str]:
    """The pieces between `mark`s that stand in no quotes, the last one first.

    Reading from the right, a quote that was opened on the left and never closed cannot swallow what was
    appended after it.
    """
    end, quoted = len(text), False
    for at in range(len(text) - 1, -1, -1):
        sign = text[at]
        if sign == '"':
            slashes = 0
            while at > slashes and text[at - 1 - slashes] == "\\":
                slashes += 1
            if slashes % 2 == 0:
                quoted = not quoted
        elif sign == mark and not quoted:
            yield text[at + 1 : end].strip()
            end = at
    yield text[:end].strip()


def _joined(values: Sequence[bytes]) -> str:
    """Several headers of a name are one list."""
    return b",".join(values)[-READ_BYTES:].decode("latin-1")


def x_forwarded_for(values: Sequence[bytes]) -> Iterator[str | None]:
    """The addresses of X-Forwarded-For headers, the nearest first; None where an element is no address."""
    for element in reversed(_joined(values).split(",")):
        if element.strip():
            yield address(element)


def forwarded(values: Sequence[bytes]) -> Iterator[str | None]:
    """The `for` of Forwarded headers (RFC 7239), the nearest first; None where it is missing, hidden or no address."""
    for element in split_right(_joined(values), ","):
        if element:
            found = _parameters(element, "for")
            yield address(found[0]) if len(found) == 1 else None


def certificate(values: Sequence[bytes], hops: int) -> bytes:
    """What names the client of the `hops`th proxy from the right in x-forwarded-client-cert headers; else empty.

    A URI or a subject outlives the certificate, so they come before its hash.
    """
    element = ""
    for number, piece in enumerate(split_right(_joined(values), ","), 1):
        element = piece or element
        if number >= hops:
            break
    for name in ("uri", "subject", "hash"):
        if found := _parameters(element, name):
            return f"{name}={_unquoted(found[-1])}".encode("latin-1")
    return b""


def _parameters(element: str, name: str) -> list[str]:
    """The values of a parameter of an element, which are many only where somebody meddled."""
    pairs = (pair.partition("=") for pair in split_right(element, ";"))
    return [value.strip() for key, _, value in pairs if key.strip().lower() == name]


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value
