"""Whether there is an installation to work on: a command must not make a second one beside the one that runs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from app.errors import SettingError
from app.settings import Settings
from app.store import secret

REMEDY = "name the data folder of the installation, or make one here with `stillwatch run` or `stillwatch migrate`"


def need_database(settings: Settings) -> None:
    """Raise SettingError where the database is a SQLite file that nobody has made; a server's says so by itself."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return
    file, folder = Path(str(url.database)), settings.data.resolve()
    if file.is_file():
        return
    if file.parent == folder:
        raise SettingError("STILLWATCH_DATA", f"{folder} holds no installation ({file.name} is missing)", REMEDY)
    raise SettingError("DATABASE_URL", f"there is no file {file}", "give the database of the installation")


def need_secret(settings: Settings) -> None:
    """Raise SettingError where the secret would be made anew: what is hashed with it would fit nothing."""
    folder = settings.data.resolve()
    if not settings.secret and not (folder / secret.FILE).is_file():
        raise SettingError("STILLWATCH_DATA", f"{folder} holds no installation ({secret.FILE} is missing)", REMEDY)
