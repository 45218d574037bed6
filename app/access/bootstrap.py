"""The operator's admin token: from the environment, else from a file in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.access.tokens import ADMIN_LENGTH, PREFIX, SECRET_BYTES
from app.errors import SettingError
from app.settings import Settings
from app.store.folder import make_private

FILE = "admin-token"


def load_admin_token(settings: Settings) -> str:
    """The token that STILLWATCH_ADMIN_TOKEN sets, else the one in the data folder, made there if missing."""
    if settings.admin_token:
        return settings.admin_token
    path = settings.data / FILE
    try:
        make_private(path.parent)
        # Written under another name first: a process that starts beside us reads all of it or nothing.
        draft = path.with_name(f"{FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(PREFIX + secrets.token_urlsafe(SECRET_BYTES) + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        if not path.is_file():
            raise SettingError("STILLWATCH_DATA", f"{error.strerror}", "give a folder that we may write to") from None
    return _read(path)


def _read(path: Path) -> str:
    token = path.read_text("utf-8").strip()
    if len(token) < ADMIN_LENGTH:
        raise SettingError("STILLWATCH_DATA", f"{FILE} in it is shorter than {ADMIN_LENGTH}", "delete that file")
    return token
