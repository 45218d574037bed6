"""Sign-up attributes as operators hand them in: a CSV table, JSON lines, or entries of a request."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.csvfile import Said, rows
from app.errors import InvalidInput, NotFound
from app.models.client import ACCOUNT_LENGTH, client_number
from app.models.sign_up import ACCOUNT, CLIENT, NAME_LENGTH

NAMES = 16  # attributes of one client or account
VALUE_LENGTH = 500
MOST = 100_000  # entries of one import
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{NAME_LENGTH - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one client or account signed up with; an empty value takes that attribute back."""

    kind: str
    of: str
    values: Mapping[str, str]


def subject(client: str | None, account: str | None, where: str) -> tuple[str, str]:
    """What an entry is about: its kind, and the client's id or the account's name."""
    if (client is None) == (account is None):
        raise InvalidInput(where, "name one client, or one account")
    if client is not None:
        try:
            client_number(client)
        except NotFound:
            raise InvalidInput(where, "it names no client: give cl_ and 16 hexadecimal digits") from None
        return CLIENT, client
    assert account is not None
    account = account.strip()
    if not (account and account.isprintable() and len(account) <= ACCOUNT_LENGTH):
        raise InvalidInput(where, f"an account has 1 to {ACCOUNT_LENGTH} printable characters")
    return ACCOUNT, account


def named(name: str, where: str) -> str:
    """An attribute's name; InvalidInput where it is none."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            where,
            f"an attribute's name has 1 to {NAME_LENGTH} of a-z, 0-9 and _, a letter first, such as email_domain",
        )
    return name


def plain(value: object, where: str) -> str:
    """A value as it is hashed: without case, in one form of Unicode, spaces as one; empty: taken back."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInput(where, "give a text, a whole number, or null to take it back")
    text = " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())
    if len(text) > VALUE_LENGTH or not text.isprintable():
        raise InvalidInput(where, f"a value has at most {VALUE_LENGTH} printable characters")
    return text


def entry(client: str | None, account: str | None, values: Mapping[str, object], where: str) -> Entry:
    """One entry; InvalidInput says where a mistake is."""
    kind, of = subject(client, account, where)
    if len(values) > NAMES:
        raise InvalidInput(where, f"give at most {NAMES} attributes")
    inside = f"{where}/attributes/" if where.startswith("/") or not where else f"{where}, "
    names = inside.removesuffix("/") if inside.startswith("/") else where
    return Entry(kind, of, {named(name, names): plain(value, inside + name) for name, value in values.items()})


def agreed(entries: Iterable[tuple[str, Entry]]) -> list[Entry]:
    """Entries, each with where it stands; InvalidInput where two give one attribute of the same one two values."""
    said, found = Said(), []
    for where, one in entries:
        for name, value in one.values.items():
            said.note((one.kind, one.of, name), value, where)
        found.append(one)
    return found


def read(lines: Iterable[str]) -> list[Entry]:
    """A CSV table whose first column is client or account and whose others are attributes."""
    found = rows(lines)
    header = [name.strip().lower().lstrip("\ufeff") for name in next(found, (1, []))[1]]
    if len(header) < 2 or header[0] not in (CLIENT, ACCOUNT):
        raise InvalidInput("header", "the first line must be client or account, then the attributes' names")
    names = [named(name, "header") for name in header[1:]]
    if len(set(names)) < len(names):
        raise InvalidInput("header", "an attribute is named twice: give each one column")
    return agreed(_entries(found, header[0], names))


def _entries(found: Iterator[tuple[int, list[str]]], kind: str, names: list[str]) -> Iterator[tuple[str, Entry]]:
    for number, row in found:
        where = f"line {number}"
        _few(number, where)
        if len(row) != len(names) + 1:
            raise InvalidInput(where, f"{len(row)} values where {len(names) + 1} are wanted")
        of = {kind: row[0].strip()}
        yield where, entry(of.get(CLIENT), of.get(ACCOUNT), dict(zip(names, row[1:], strict=True)), where)


def read_json(lines: Iterable[str]) -> list[Entry]:
    """JSON lines: {"client": "cl_...", "attributes": {"email_domain": "example.org"}}, or with account."""
    return agreed(_documents(lines))


def _documents(lines: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    for number, line in enumerate(lines, 1):
        where = f"line {number}"
        _few(number, where)
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise InvalidInput(where, "it is not JSON: give one object a line") from None
        yield where, _parsed(document, where)


def _parsed(document: Any, where: str) -> Entry:
    if not isinstance(document, dict) or not isinstance(document.get("attributes"), dict):
        raise InvalidInput(where, 'give {"client" or "account": "...", "attributes": {...}}')
    client, account = document.get(CLIENT), document.get(ACCOUNT)
    if any(one is not None and not isinstance(one, str) for one in (client, account)):
        raise InvalidInput(where, "client and account are texts")
    return entry(client, account, document["attributes"], where)


def _few(number: int, where: str) -> None:
    if number > MOST:
        raise InvalidInput(where, f"a table has at most {MOST:,} lines: import it in parts")
