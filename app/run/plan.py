"""Which processes a run has, what each gets in its environment, and the order in which they stop."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from app.run.child import Spec
from app.settings import Settings, unknown

STOP_ORDER: tuple[tuple[str, ...], ...] = (
    ("sample-traffic",),
    ("gateway",),
    ("extractor",),
    ("worker", "linker", "console", "sample-api"),
    ("valkey",),
)
DRAIN_MARGIN = 3.0  # seconds beyond the drain limit before the gateway is killed
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # small arrays: threads only get in the way


@dataclass(frozen=True, slots=True)
class Resolved:
    """What this run found out or made up, for its children to share."""

    data: str
    secret: str
    admin_token: str
    redis_url: str
    upstream: str


def command(role: str, *arguments: str) -> tuple[str, ...]:
    """How to start a role: this interpreter, and no module from the working folder."""
    return (sys.executable, "-P", "-m", "app.cli", role, *arguments)


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The operator's environment without what would make an interpreter load other modules."""
    return {name: value for name, value in environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def environment(environ: Mapping[str, str], settings: Settings, resolved: Resolved) -> dict[str, str]:
    """The children's environment: the operator's, with every value that was resolved.

    Without what only looks like a setting: the run has told of it, and each child would again.
    """
    strange = set(unknown(environ))
    env = {name: value for name, value in clean(environ).items() if name not in strange} | {
        "STILLWATCH_DATA": resolved.data,
        "STILLWATCH_SECRET": resolved.secret,
        "STILLWATCH_ADMIN_TOKEN": resolved.admin_token,
        "REDIS_URL": resolved.redis_url,
        "DATABASE_URL": settings.database_url,
        "UPSTREAM": resolved.upstream,
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }
    for name in ONE_THREAD:
        env.setdefault(name, "1")
    return env


def service_specs(settings: Settings, env: Mapping[str, str]) -> list[Spec]:
    """The five processes of the product, in the order in which they start."""
    drain = settings.drain_seconds + DRAIN_MARGIN
    return [
        Spec("extractor", command("extractor"), env, stop_seconds=10.0),
        Spec("gateway", command("gateway"), env, stop_seconds=drain),
        Spec("worker", command("worker"), env, stop_seconds=10.0),
        Spec("linker", command("linker"), env, stop_seconds=20.0),
        Spec("console", command("console"), env, stop_seconds=8.0),
    ]


def sample_api_spec(env: Mapping[str, str], fd: int) -> Spec:
    """The sample model API, on a socket that the supervisor keeps open over its restarts."""
    return Spec("sample-api", command("sample-api", "--fd", str(fd)), env, stop_seconds=5.0, fds=(fd,))


def sample_traffic_spec(env: Mapping[str, str]) -> Spec:
    """The sample clients; they find the gateway through its settings."""
    return Spec("sample-traffic", command("sample-traffic"), env, stop_seconds=5.0)
