"""The deployment's secret: the key of every pseudonym and of every text hash; made once, kept in the data folder."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from app.errors import SettingError
from app.settings import Settings
from app.store.folder import make_private

FILE: Final = "secret"
SHORTEST: Final = 32  # characters
_TEXT_KEY: Final = b"text\0"


def load_secret(settings: Settings) -> bytes:
    """The setting, else the file in the data folder, which is made where it is missing; raises SettingError.

    Processes that start together agree: whoever links the file first wins, the others read it.
    """
    if settings.secret:
        return settings.secret.encode()
    path = settings.data / FILE
    try:
        secret = _read(path) or _create(path)
    except OSError as error:
        problem = f"{path}: {error.strerror or error}"
        raise SettingError("STILLWATCH_DATA", problem, "make it a folder that this user may write") from None
    if len(secret) < SHORTEST:
        problem = f"{path} holds fewer than {SHORTEST} characters"
        raise SettingError("STILLWATCH_SECRET", problem, "set the variable, or remove the file for a new secret")
    return secret


def text_seed(secret: bytes) -> int:
    """The 64-bit seed of all hashes of text, so that nobody can guess a text from its hash by a dictionary."""
    return int.from_bytes(hmac.digest(secret, _TEXT_KEY, "sha256")[:8], "big")


def _read(path: Path) -> bytes:
    """The file's secret, and the file closed to others; empty where there is no file."""
    try:
        with path.open("rb") as file:
            os.fchmod(file.fileno(), 0o600)
            return file.read().strip()
    except FileNotFoundError:
        return b""


def _create(path: Path) -> bytes:
    """Make the file whole and at once, or read the one that another process made meanwhile."""
    make_private(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return _read(path)
