"""Whose clients they are, as gateways were told: one hash in Redis, from client to the account's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.store.redis import Argument

KEY: Final = "names:accounts"


def name_command(accounts: Mapping[str, str]) -> tuple[Argument, ...]:
    """Write accounts by their clients, 16 hexadecimal digits each."""
    return ("HSET", KEY, *(part for pair in accounts.items() for part in pair))


def fields(clients: Sequence[int]) -> list[str]:
    """The hash's fields of clients, in their order."""
    return [f"{client:016x}" for client in clients]


def parse(reply: Sequence[Any]) -> list[str]:
    """The accounts in the reply to HMGET; empty where none is known."""
    return ["" if name is None else bytes(name).decode("utf-8", "replace") for name in reply]
