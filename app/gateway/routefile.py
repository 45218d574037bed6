"""Reads the routes: those of the file that STILLWATCH_ROUTES names, else UPSTREAM for every path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from app.errors import SettingError
from app.gateway.routes import Route, Router
from app.gateway.tls import VERSIONS, Tls, context
from app.gateway.upstream import Pool
from app.settings import Settings, upstream_url
from app.store.frames import DIALECTS

SETTING = "STILLWATCH_ROUTES"
T = TypeVar("T")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?")
_ROUTE_KEYS = ("prefix", "upstream", "strip", "dialect", "connect_seconds", "idle_seconds", "tls")
_TLS_KEYS = ("verify", "ca_file", "client_cert", "client_key", "server_name", "min_version")
_KINDS = {str: "text in quotes", bool: "true or false", float: "a number"}


def read_routes(settings: Settings) -> Router:
    """The routes with their pools; raises SettingError that names the file, the table and the key."""
    if not settings.routes:
        if not settings.upstream:
            raise SettingError("UPSTREAM", "the gateway has nothing to front", "give the model API's URL")
        return Router([_whole(settings, _Pools())])
    path = Path(settings.routes).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise SettingError(SETTING, problem, "give a readable TOML file") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(SETTING, f"{path} is not TOML: {error}", "correct it") from None
    tables = document.pop("route", None)
    if document or not isinstance(tables, list) or not tables or not all(isinstance(one, dict) for one in tables):
        problem = f"{path} holds no [[route]] tables, or something else besides"
        raise SettingError(SETTING, problem, "write one [[route]] table for each path prefix")
    pools = _Pools()
    routes = [_Table(path, number, table, settings).route(pools) for number, table in enumerate(tables, 1)]
    prefixes = [route.prefix for route in routes]
    for at, prefix in enumerate(prefixes):
        if prefix in prefixes[:at]:
            shown = prefix.decode() or "/"
            raise SettingError(SETTING, f"{path}, route {at + 1}, prefix: {shown} is there twice", "leave one of them")
    if settings.upstream and b"" not in prefixes:
        routes.append(_whole(settings, pools))
    return Router(routes)


def _whole(settings: Settings, pools: _Pools) -> Route:
    """UPSTREAM, for every path."""

    def wrong(_key: str, problem: str, remedy: str) -> Exception:
        return SettingError("UPSTREAM", problem, remedy)

    pool = pools.get(settings.upstream, settings.connect_seconds, settings.idle_seconds, Tls(), wrong)
    return Route(b"", False, *_place(settings.upstream), 0, pool)


def _place(url: str) -> tuple[bytes, bytes]:
    """The Host header and the path prefix that a URL asks for."""
    parts = urlsplit(url)
    host = parts.netloc.encode("ascii" if parts.netloc.isascii() else "idna")
    return host, parts.path.rstrip("/").encode()


class _Pools:
    """One pool for each origin and way to reach it, however many routes lead there."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Pool] = {}

    def get(self, url: str, connect: float, idle: float, tls: Tls, wrong: Callable[[str, str, str], Exception]) -> Pool:
        parts = urlsplit(url)
        secured = parts.scheme == "https"
        key = (parts.scheme, parts.hostname, parts.port, connect, idle, tls)
        if key not in self._made:
            self._made[key] = Pool(url, connect, idle, context(tls, wrong) if secured else None, tls.server_name)
        return self._made[key]


class _Table:
    """One [[route]] table while it is read."""

    def __init__(self, path: Path, number: int, table: Mapping[str, Any], settings: Settings) -> None:
        self._path, self._number, self._table, self._settings = path, number, table, settings

    def route(self, pools: _Pools) -> Route:
        """The route that it describes."""
        self._known(self._table, _ROUTE_KEYS, "")
        prefix = self._value("prefix", str, "")
        if not prefix.startswith("/") or not _PREFIX.fullmatch(prefix):
            raise self.wrong("prefix", f"{prefix!r} is no path", 'give one that begins with a slash, such as "/openai"')
        dialect = self._value("dialect", str, "auto")
        if dialect not in DIALECTS:
            raise self.wrong("dialect", f"{dialect!r} is unknown", f"give one of {', '.join(DIALECTS)}")
        url = self._value("upstream", str, "")
        url = upstream_url(url, SETTING, self._where("upstream"))
        if "tls" in self._table and not url.startswith("https:"):
            raise self.wrong("tls", "the upstream is not an https URL", "give one, or leave the table out")
        connect = self._seconds("connect_seconds", self._settings.connect_seconds, 0.1, 300)
        idle = self._seconds("idle_seconds", self._settings.idle_seconds, 1, 86400)
        pool = pools.get(url, connect, idle, self._tls(), self._wrong_tls)
        strip = self._value("strip", bool, False)
        return Route(prefix.rstrip("/").encode(), strip, *_place(url), DIALECTS.index(dialect), pool)

    def wrong(self, key: str, problem: str, remedy: str) -> SettingError:
        """The error of a key."""
        return SettingError(SETTING, f"{self._where(key)}: {problem}", remedy)

    def _wrong_tls(self, key: str, problem: str, remedy: str) -> SettingError:
        return self.wrong(f"tls.{key}", problem, remedy)

    def _where(self, key: str) -> str:
        return f"{self._path}, route {self._number}, {key}"

    def _known(self, table: Mapping[str, Any], keys: tuple[str, ...], prefix: str) -> None:
        for key in table:
            if key not in keys:
                raise self.wrong(prefix + key, "no such key", f"the keys are {', '.join(keys)}")

    def _value(self, key: str, kind: type[T], default: T) -> T:
        table, _, name = key.rpartition(".")
        value = (self._table[table] if table else self._table).get(name, default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            raise self.wrong(key, f"it is not {_KINDS[kind]}", f"give {_KINDS[kind]}")
        return value

    def _seconds(self, key: str, default: float, low: float, high: float) -> float:
        value = self._value(key, float, default)
        if not low <= value <= high:
            raise self.wrong(key, f"{value:g} is out of range", f"give a number from {low:g} to {high:g}")
        return value

    def _tls(self) -> Tls:
        table = self._table.get("tls", {})
        if not isinstance(table, dict):
            raise self.wrong("tls", "it is no table", "write [route.tls] with its keys below")
        if not table:
            return Tls()
        self._known(table, _TLS_KEYS, "tls.")
        version = self._value("tls.min_version", str, "1.2")
        if version not in VERSIONS:
            raise self.wrong("tls.min_version", f"{version!r} is unknown", f"give one of {', '.join(VERSIONS)}")
        cert, key = self._file("tls.client_cert"), self._file("tls.client_key")
        if key is not None and cert is None:
            raise self.wrong("tls.client_cert", "there is a key and no certificate", "give both, or neither")
        verify = self._value("tls.verify", bool, True)
        name = self._value("tls.server_name", str, "")
        return Tls(verify, self._file("tls.ca_file"), cert, key, name, version)

    def _file(self, key: str) -> Path | None:
        """A file named beside the routes, or by its whole path."""
        text = self._value(key, str, "")
        return self._path.parent / Path(text).expanduser() if text else None
