"""One frozen dataclass a component, read from the environment once, at the roof."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from app.errors import SettingError

T = TypeVar("T")

AUTOMATIC = ("tag", "throttle")  # actions that a policy may take by itself
_AUTHORITY = re.compile(  # user, password, host, port, name and query, as SQLAlchemy takes them apart
    r"(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]+)?(?::(?P<port>[^/?]*))?(?:/[^?]*)?(?:\?.*)?", re.DOTALL
)
UNIX_PATH_LIMIT = 100  # bytes of a socket's path; the kernel's limit is 107


class Setting(NamedTuple):
    """One environment variable: the documentation and the house tests read this table."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("UPSTREAM", "", "URL of the model API that the gateway fronts; empty starts the sample model API"),
    Setting("REDIS_URL", "", "Redis or Valkey 6.2+; empty starts the bundled Valkey"),
    Setting("DATABASE_URL", "", "SQLite or PostgreSQL; empty uses SQLite in the data folder"),
    Setting("STILLWATCH_DATA", ".stillwatch", "folder for the embedded database, secrets and sockets"),
    Setting("STILLWATCH_SECRET", "", "key of every pseudonym (32+ characters); empty uses one kept in the data folder"),
    Setting("STILLWATCH_ADMIN_TOKEN", "", "sets the admin token (16+ characters); empty makes one in the data folder"),
    Setting("STILLWATCH_GATEWAY_HOST", "127.0.0.1", "address that the gateway listens on"),
    Setting("STILLWATCH_GATEWAY_PORT", "8080", "port of the gateway"),
    Setting(
        "STILLWATCH_STATUS_TOKEN", "", "opens the gateway's status and metrics (16+ characters); empty: to this host"
    ),
    Setting("STILLWATCH_CONSOLE_HOST", "127.0.0.1", "address that API and dashboard listen on"),
    Setting("STILLWATCH_CONSOLE_PORT", "8081", "port of API and dashboard"),
    Setting("STILLWATCH_CONSOLE_HTTPS", "0", "1 marks the session cookie Secure: set it behind TLS"),
    Setting("STILLWATCH_ROUTES", "", "TOML file of model APIs by path prefix; empty: UPSTREAM serves every path"),
    Setting("STILLWATCH_IDENTITY", "credential", "what names a client: the first of these that a request has"),
    Setting("STILLWATCH_ACCOUNT", "", "what names the customer that a client belongs to: jwt:CLAIM or header:NAME"),
    Setting("STILLWATCH_TRUSTED_PEERS", "", "networks whose headers on identity and addresses are believed"),
    Setting("STILLWATCH_TRUSTED_HOPS", "1", "trusted proxies in front: so many addresses are read from the right"),
    Setting("STILLWATCH_FORWARDED", "x-forwarded-for", "where they write addresses: x-forwarded-for or forwarded"),
    Setting(
        "STILLWATCH_FINGERPRINT_HEADER", "x-ja4", "header in which trusted peers give the client's JA4 fingerprint"
    ),
    Setting("STILLWATCH_JWT_KEYS", "", "file with the keys that tokens are verified by: a JWK set or a PEM public key"),
    Setting("STILLWATCH_JWT_ISSUER", "", "the issuer (iss) that tokens must name; empty: any that a key verifies"),
    Setting("STILLWATCH_JWT_AUDIENCE", "", "the audience (aud) that tokens must name; empty: any"),
    Setting("STILLWATCH_MODE", "observe", "the mode to start in: observe, enforce or bypass; switched live after that"),
    Setting("STILLWATCH_ENFORCE_ACTIONS", "", "actions that the policy may decide for real: of tag, throttle"),
    Setting("STILLWATCH_PARTITIONS", "16", "streams that clients are spread over; fixed for the life of a Redis"),
    Setting("STILLWATCH_COPY_BYTES", "262144", "most bytes copied of each request and of each answer"),
    Setting("STILLWATCH_CHANNEL_BYTES", "33554432", "most bytes waiting between gateway and extractor"),
    Setting("STILLWATCH_BACKLOG_BLOCKS", "20000", "stream entries a partition may hold before events are dropped"),
    Setting("STILLWATCH_NICE", "5", "steps of priority that the background processes stand behind gateway and console"),
    Setting("STILLWATCH_CONNECT_SECONDS", "10", "limit on connecting to the model API"),
    Setting("STILLWATCH_IDLE_SECONDS", "900", "limit on silence from the model API; there is no total limit"),
    Setting("STILLWATCH_MAX_CONCURRENCY", "0", "requests served at once by a gateway; more get a 503; 0: no limit"),
    Setting("STILLWATCH_ACCESS_LOG", "0", "1: the extractor logs one line a request"),
    Setting("STILLWATCH_DRAIN_SECONDS", "30", "how long open answers may run on after a stop signal"),
    Setting(
        "STILLWATCH_ROW_DAYS",
        "90",
        "days after which an idle client's row is forgotten, in Redis, and in the database where nothing refers to it",
    ),
    Setting("STILLWATCH_REFERENCE", "", "file with the reference of ordinary traffic; empty uses the one that ships"),
    Setting("STILLWATCH_LISTS", "", "index of public lists and canaries, made by `stillwatch lists build`"),
    Setting("STILLWATCH_PLANS", "", "CSV file of client,tokens_per_day: the 95th percentile of each client's plan"),
    Setting("STILLWATCH_RELEASES", "", "CSV file of model,released: when models came out"),
    Setting(
        "STILLWATCH_LEDGER_BYTES", "134217728", "most bytes of Redis for the ledger of answers and signatures; 0: off"
    ),
    Setting("STILLWATCH_LEDGER_DAYS", "7", "days after which the ledger forgets"),
    Setting("STILLWATCH_SHARING_KEY", "", "key of indicators shared with others (32+ characters); empty: off"),
    Setting("STILLWATCH_LOG_LEVEL", "info", "debug, info, warning or error"),
)
DEFAULTS: dict[str, str] = {setting.name: setting.default for setting in SETTINGS}
PREFIX = "STILLWATCH_"
_SERVICE = re.compile(r"\w+_(?:SERVICE_(?:HOST|PORT)|PORT_[0-9]+_(?:TCP|UDP|SCTP))(?:_\w+)?")  # named by Kubernetes
_ADDRESSES = ("tcp://", "udp://", "sctp://")  # what it gives those that end in _PORT alone


def unknown(env: Mapping[str, str]) -> list[str]:
    """The variables of ours by their names that no setting has, as misspelt ones are, in order."""
    ours = (name for name in env if name.upper().startswith(PREFIX) and name not in DEFAULTS)
    return sorted(name for name in ours if not (_SERVICE.fullmatch(name) or env[name].startswith(_ADDRESSES)))


def warnings(env: Mapping[str, str]) -> list[str]:
    """One line for each of them; without the value, which may be a secret."""
    lines, bare = [], {name.removeprefix(PREFIX): name for name in DEFAULTS}
    for name in unknown(env):
        near = get_close_matches(name.upper().removeprefix(PREFIX), bare, 1)  # the prefix makes all of them alike
        remedy = f"did you mean {bare[near[0]]}?" if near else "docs/settings.md has the settings that there are."
        lines.append(f"{name if name.isprintable() else ascii(name)} is no setting and is ignored: {remedy}")
    return lines


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip() or DEFAULTS[name]


def _number(env: Mapping[str, str], name: str, convert: Callable[[str], T], low: float, high: float) -> T:
    text = _text(env, name)
    try:
        value = convert(text)
    except ValueError:
        raise SettingError(name, f"{text!r} is not a number", f"give one from {low:g} to {high:g}") from None
    if not low <= float(value) <= high:  # type: ignore[arg-type]
        raise SettingError(name, f"{text} is out of range", f"give a number from {low:g} to {high:g}")
    return value


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = _text(env, name).lower()
    if text not in choices:
        raise SettingError(name, f"{text!r} is unknown", f"give one of {', '.join(choices)}")
    return text


def _actions(env: Mapping[str, str]) -> tuple[str, ...]:
    """The actions that the policy may decide for real; block and degrade are only ever a person's decision."""
    name = "STILLWATCH_ENFORCE_ACTIONS"
    found = tuple(part.strip().lower() for part in _text(env, name).split(",") if part.strip())
    for part in found:
        if part not in AUTOMATIC:
            raise SettingError(name, f"{part!r} cannot be automatic", f"give some of {', '.join(AUTOMATIC)}, or none")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the roof hands to the parts; each part takes only what it names."""

    upstream: str
    redis_url: str
    database_url: str
    data: Path
    secret: str
    admin_token: str
    gateway_host: str
    gateway_port: int
    status_token: str
    console_host: str
    console_port: int
    console_https: bool
    routes: str
    identity: str
    account: str
    trusted_peers: str
    trusted_hops: int
    forwarded: str
    fingerprint_header: str
    jwt_keys: str
    jwt_issuer: str
    jwt_audience: str
    mode: str
    enforce_actions: tuple[str, ...]
    partitions: int
    copy_bytes: int
    channel_bytes: int
    backlog_blocks: int
    nice: int
    connect_seconds: float
    idle_seconds: float
    max_concurrency: int
    access_log: bool
    drain_seconds: float
    row_days: float
    reference: str
    lists: str
    plans: str
    releases: str
    ledger_bytes: int
    ledger_days: float
    sharing_key: str
    log_level: str

    @property
    def handoff(self) -> Path:
        """The unix socket between gateway and extractor; short whatever the data folder's path."""
        path = self.data.resolve() / "handoff.sock"
        if len(os.fsencode(path)) <= UNIX_PATH_LIMIT:
            return path
        name = blake2b(os.fsencode(path), digest_size=8).hexdigest()
        return Path(tempfile.gettempdir()) / f"stillwatch-{name}.sock"


_PATH = re.compile(r"(?:[A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*")


def upstream_url(url: str, setting: str = "UPSTREAM", what: str = "it") -> str:
    """The URL of a model API without a slash at its end; raises SettingError that calls the value `what`."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        parts, port_ok = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        # The value is not repeated: it may hold a password.
        raise SettingError(setting, f"{what} is no http or https URL", "give one such as https://api.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        problem = f"{what} carries a user, a query or a fragment"
        raise SettingError(setting, problem, "give scheme, host, port and path")
    # urlsplit takes line ends and tabs out; what it lets stand would break the request line or the Host header.
    if not parts.netloc.isprintable() or re.search(r"[\s\\\"<>^`{|}]", url) or not _PATH.fullmatch(parts.path):
        problem = f"{what} holds a space or another character that no URL has"
        raise SettingError(setting, problem, "write it as %20, or leave it out")
    return url.rstrip("/")


def database_url(text: str, data: Path) -> str:
    """`text` as a SQLAlchemy URL with an async driver; empty means SQLite in the data folder."""
    if not text:
        return f"sqlite+aiosqlite:///{data.resolve() / 'stillwatch.db'}"
    scheme, separator, rest = text.partition("://")
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "sqlite+aiosqlite": "sqlite+aiosqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "postgresql+psycopg": "postgresql+psycopg",
    }
    if not separator or scheme not in drivers:
        remedy = "give sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        raise SettingError("DATABASE_URL", f"scheme {scheme!r} is not supported", remedy)
    if scheme.startswith("sqlite"):
        if rest and not rest.startswith("/"):
            remedy = "give sqlite:///PATH with three slashes, or four before an absolute path"
            raise SettingError("DATABASE_URL", "it names a host, and SQLite has none", remedy)
    else:
        parts = _AUTHORITY.fullmatch(rest)
        port = parts["port"] or "5432" if parts else ""
        # The value is not repeated: it may hold a password.
        if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
            problem = "the port is no number from 1 to 65535" if parts else "it is no URL"
            remedy = "give postgresql://USER:PASSWORD@HOST:PORT/NAME, signs in a password as %2F, %40, %3A"
            raise SettingError("DATABASE_URL", problem, remedy)
    return f"{drivers[scheme]}://{rest}"


def _secrets(env: Mapping[str, str]) -> tuple[str, str]:
    """Secret and admin token, which may be empty."""
    secret, token = _text(env, "STILLWATCH_SECRET"), _text(env, "STILLWATCH_ADMIN_TOKEN")
    if secret and len(secret) < 32:
        raise SettingError("STILLWATCH_SECRET", "shorter than 32 characters", "openssl rand -hex 32 prints a good one")
    if token and len(token) < 16:
        raise SettingError("STILLWATCH_ADMIN_TOKEN", "shorter than 16 characters", "give a longer one, or none")
    return secret, token


def _status_token(env: Mapping[str, str]) -> str:
    """What opens a gateway's status and metrics, which may be empty."""
    name = "STILLWATCH_STATUS_TOKEN"
    token = _text(env, name)
    if token and (len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token):
        problem = "shorter than 16 characters, or with others in it than a header's value may have"
        raise SettingError(name, problem, "openssl rand -hex 24 prints a good one")
    return token


def _sharing_key(env: Mapping[str, str]) -> str:
    """The key of shared indicators, which may be empty."""
    key = _text(env, "STILLWATCH_SHARING_KEY")
    if key and len(key) < 32:
        remedy = "agree on a longer one: openssl rand -hex 32 prints a good one"
        raise SettingError("STILLWATCH_SHARING_KEY", "shorter than 32 characters", remedy)
    return key


_TEXTS = (  # fields that hold a setting as it is given
    "routes", "identity", "account", "trusted_peers", "fingerprint_header", "jwt_keys", "jwt_issuer", "jwt_audience",
    "reference", "lists", "plans", "releases",
)  # fmt: skip


def read_settings(env: Mapping[str, str]) -> Settings:
    """All settings from the environment; raises SettingError that names the first wrong one."""
    data = Path(_text(env, "STILLWATCH_DATA")).expanduser()
    secret, token = _secrets(env)
    upstream = _text(env, "UPSTREAM")
    return Settings(
        upstream=upstream_url(upstream) if upstream else "",
        redis_url=_text(env, "REDIS_URL"),
        database_url=database_url(_text(env, "DATABASE_URL"), data),
        data=data,
        secret=secret,
        admin_token=token,
        gateway_host=_text(env, "STILLWATCH_GATEWAY_HOST"),
        gateway_port=_number(env, "STILLWATCH_GATEWAY_PORT", int, 1, 65535),
        status_token=_status_token(env),
        console_host=_text(env, "STILLWATCH_CONSOLE_HOST"),
        console_port=_number(env, "STILLWATCH_CONSOLE_PORT", int, 1, 65535),
        console_https=_choice(env, "STILLWATCH_CONSOLE_HTTPS", ("0", "1")) == "1",
        trusted_hops=_number(env, "STILLWATCH_TRUSTED_HOPS", int, 1, 16),
        forwarded=_choice(env, "STILLWATCH_FORWARDED", ("x-forwarded-for", "forwarded")),
        mode=_choice(env, "STILLWATCH_MODE", ("observe", "enforce", "bypass")),
        enforce_actions=_actions(env),
        partitions=_number(env, "STILLWATCH_PARTITIONS", int, 1, 4096),
        copy_bytes=_number(env, "STILLWATCH_COPY_BYTES", int, 4096, 64 << 20),
        channel_bytes=_number(env, "STILLWATCH_CHANNEL_BYTES", int, 1 << 20, 4 << 30),
        backlog_blocks=_number(env, "STILLWATCH_BACKLOG_BLOCKS", int, 10, 10_000_000),
        nice=_number(env, "STILLWATCH_NICE", int, 0, 19),
        connect_seconds=_number(env, "STILLWATCH_CONNECT_SECONDS", float, 0.1, 300),
        idle_seconds=_number(env, "STILLWATCH_IDLE_SECONDS", float, 1, 86400),
        max_concurrency=_number(env, "STILLWATCH_MAX_CONCURRENCY", int, 0, 10_000_000),
        access_log=_choice(env, "STILLWATCH_ACCESS_LOG", ("0", "1")) == "1",
        drain_seconds=_number(env, "STILLWATCH_DRAIN_SECONDS", float, 0, 3600),
        row_days=_number(env, "STILLWATCH_ROW_DAYS", float, 0.01, 3650),
        ledger_bytes=_number(env, "STILLWATCH_LEDGER_BYTES", int, 0, 1 << 40),
        ledger_days=_number(env, "STILLWATCH_LEDGER_DAYS", float, 0.01, 365),
        sharing_key=_sharing_key(env),
        log_level=_choice(env, "STILLWATCH_LOG_LEVEL", ("debug", "info", "warning", "error")),
        **{name: _text(env, f"STILLWATCH_{name.upper()}") for name in _TEXTS},
    )
