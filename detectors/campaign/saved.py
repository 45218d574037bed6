"""Saved: all that a linker knows, as one file, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO
from zipfile import BadZipFile

import numpy as np

from detectors.campaign import supplied
from detectors.campaign.identity import Identities

if TYPE_CHECKING:
    from detectors.campaign.state import Linker

_FORMAT = 1


def write(linker: Linker, file: BinaryIO) -> None:
    """Write it; its campaigns come with the next link."""
    about: dict[str, Any] = {
        "format": _FORMAT,
        "organisations": list(linker.organisations.items()),
        "bans": list(linker.bans.items()),
        "forbidden": [[sorted(one), sorted(other)] for one, other in linker.forbidden],
        "united": linker.united,
        "lists": linker.lists,
        "attributes": sorted(linker.graph.called.values()),
        "identities": linker.identities.document(),
        "expired_at": linker.expired_at,
    }
    arrays: dict[str, Any] = (
        linker.graph.arrays() | linker.heard.arrays(linker.graph) | linker.shut.arrays(linker.graph)
    )
    np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)


def read(linker: Linker, data: bytes) -> None:
    """Have a new linker know what was written. Raises ValueError where it is none."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            about = json.loads(held["about"].tobytes())
            if about.get("format") != _FORMAT:
                raise ValueError("a snapshot of another version")
            linker.graph.load_arrays({name: held[name] for name in held.files if name != "about"})
            if "ranks" in held.files:
                linker.heard.load_arrays(linker.graph, held)
            if "shut_marks" in held.files:
                linker.shut.load_arrays(held)
    except (OSError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"not a snapshot of a linker: {error}") from None
    linker.organisations = {int(client): int(org) for client, org in about["organisations"]}
    linker.bans = {int(client): float(at) for client, at in about["bans"]}
    linker.forbidden = tuple((_side(one), _side(other)) for one, other in about["forbidden"])
    linker.united = [(int(one), int(other)) for one, other in about["united"]]
    linker.lists = dict(about["lists"])
    linker.graph.called = {supplied.number(name): name for name in about.get("attributes", ())}
    linker.identities = Identities.parse(about["identities"])
    linker.expired_at = float(about["expired_at"])


def _side(told: int | Iterable[int]) -> frozenset[int]:  # one client, as earlier versions wrote it, or several
    return frozenset([told]) if isinstance(told, int) else frozenset(told)
