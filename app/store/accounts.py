"""Whose clients they are: hashes in Redis from client to the account's name, as gateways were told and as was given.

What an operator gave counts over what requests say. The database has it; the hash is a copy, whole or not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import redis

from app.store.redis import Argument

KEY: Final = "names:accounts"
GIVEN: Final = "{names:accounts}:given"  # in the slot of the other in a cluster
STAMP: Final = "stamp"  # a field beside the clients: the state of the database of which the hash is a copy
KEPT_SECONDS = 600  # for which a copy that is not whole waits for its next part

Command = tuple[Argument, ...]


def name_command(accounts: Mapping[str, str]) -> Command:
    """Write what gateways were told, by clients, 16 hexadecimal digits each."""
    return ("HSET", KEY, *(part for pair in accounts.items() for part in pair))


def forget_command(clients: Iterable[int]) -> Command:
    """Forget what gateways were told of some clients; one that comes back is told of again."""
    return ("HDEL", KEY, *fields(clients))


def fields(clients: Iterable[int]) -> list[str]:
    """A hash's fields of clients, in their order."""
    return [f"{client:016x}" for client in clients]


def parse(reply: Sequence[Any]) -> list[str]:
    """The accounts in the reply to HMGET; empty where none is known."""
    return ["" if name is None else bytes(name).decode("utf-8", "replace") for name in reply]


def owners(client: redis.Redis, clients: Sequence[int]) -> list[str]:
    """Whose clients are, in their order: as was given, else as gateways were told, else empty. One round trip.

    Raises redis.RedisError.
    """
    names = fields(clients)
    with client.pipeline(transaction=False) as pipe:
        pipe.hmget(GIVEN, names)
        pipe.hmget(KEY, names)
        given, told = pipe.execute()
    return [mine or theirs for mine, theirs in zip(parse(given), parse(told), strict=True)]


def part_commands(key: str, stamp: str, accounts: Mapping[int, str], *, first: bool) -> list[Command]:
    """Add to a copy that nobody reads yet, under a key of its own; the first part has the stamp."""
    pairs = {STAMP: stamp} if first else {}
    pairs |= {f"{client:016x}": account for client, account in accounts.items()}
    written: list[Command] = [("HSET", key, *(part for pair in pairs.items() for part in pair))] if pairs else []
    return [*written, ("EXPIRE", key, KEPT_SECONDS)]


def whole_commands(key: str) -> list[Command]:
    """Put a copy that is whole in the place of the one that is read, at once."""
    return [("MULTI",), ("UNLINK", GIVEN), ("RENAME", key, GIVEN), ("PERSIST", GIVEN), ("EXEC",)]
