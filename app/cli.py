"""The command `stillwatch`: reads the settings, then hands over to one process's entry function."""

from __future__ import annotations

import errno
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.errors import InvalidInput, SettingError, StillwatchError
from app.settings import Settings, read_settings, warnings

app = typer.Typer(
    help="Stillwatch watches the traffic in front of a model API for distillation attacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
token = typer.Typer(help="Create, list and revoke the tokens of API and dashboard.", no_args_is_help=True)
app.add_typer(token, name="token")
accounts = typer.Typer(help="The customers that clients belong to.", no_args_is_help=True)
app.add_typer(accounts, name="accounts")
organisations = typer.Typer(help="The companies behind clients and accounts.", no_args_is_help=True)
app.add_typer(organisations, name="organisations")
attributes = typer.Typer(help="What clients and accounts signed up with.", no_args_is_help=True)
app.add_typer(attributes, name="attributes")
ledger = typer.Typer(help="Which clients received a text.", no_args_is_help=True)
app.add_typer(ledger, name="ledger")
lists = typer.Typer(help="Public lists and canaries that prompts are looked up in.", no_args_is_help=True)
app.add_typer(lists, name="lists")


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"stillwatch {importlib.metadata.version('stillwatch')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Stillwatch watches the traffic in front of a model API for distillation attacks."""


Scopes = Annotated[list[str], typer.Option("--scope", help="May be given several times; default: read-only.")]


def _entry(target: str) -> Callable[..., Any]:
    """The function that `module:name` names; heavy imports happen here and nowhere earlier."""
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _settings() -> Settings:
    for line in warnings(os.environ):
        print(f"stillwatch: warning: {line}", file=sys.stderr, flush=True)  # noqa: T201
    return read_settings(os.environ)


def _role() -> Settings:
    """The same, for whoever writes database, secrets or logs: from here on what is made is for its owner alone."""
    os.umask(0o077)
    return _settings()


def _installed(*needs: str) -> Settings:
    """The settings of an installation that is there: only `run` and `migrate` make one."""
    settings = _role()
    for need in needs or ("need_database",):
        _entry(f"app.run.installed:{need}")(settings)
    return settings


def _hand_over(target: str, *args: Any) -> None:
    raise typer.Exit(int(_entry(target)(*args) or 0))


@app.command()
def run() -> None:
    """Start everything under one supervisor; without UPSTREAM, with a sample model API and sample traffic."""
    _hand_over("app.run.supervisor:main", _role())


@app.command()
def gateway() -> None:
    """Serve the gateway: forwards every request to UPSTREAM byte for byte."""
    _hand_over("app.gateway.serve:main", _role())


@app.command()
def extractor() -> None:
    """Run the gateway's sibling: copies of exchanges in, events out to Redis."""
    _hand_over("app.extractor.run:main", _role())


@app.command()
def worker() -> None:
    """Score the events of the partitions that this process owns."""
    _hand_over("app.worker.run:main", _role())


@app.command()
def linker() -> None:
    """Find which clients act as one; of several that run, one works."""
    _hand_over("app.linker.run:main", _role())


@app.command()
def console() -> None:
    """Serve API and dashboard."""
    _hand_over("app.main:serve_console", _role())


@app.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    settings = _role()
    _entry("app.store.db:migrate")(settings.database_url)


@app.command()
def health(role: Annotated[str, typer.Argument(help="gateway, console, extractor, worker or linker.")]) -> None:
    """Say whether this host's process of a role lives: exit code 0 if it does."""
    _hand_over("app.run.health:main", _settings(), role)


@app.command()
def mode(
    wanted: Annotated[str, typer.Argument(metavar="[observe|enforce|bypass]", help="Empty: say what it is.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept with the change.")] = "",
) -> None:
    """Say what the gateways do, or switch them live: observe, enforce or bypass."""
    _hand_over("app.run.mode:main", _installed(), wanted, reason)


@app.command()
def replay(
    logs: Annotated[list[Path], typer.Argument(help="Exchange logs, JSON lines, optionally gzip.")],
    labels: Annotated[Path | None, typer.Option(help="CSV of client,label,family,persona,campaign.")] = None,
    out: Annotated[Path | None, typer.Option(help="One JSON line a client.")] = None,
    report: Annotated[Path | None, typer.Option(help="One JSON document about the whole run.")] = None,
) -> None:
    """Score recorded traffic in process; needs neither Redis nor a database."""
    settings = _settings()
    _hand_over(
        "app.ingest.replay:run_command",
        logs,
        labels,
        out,
        report,
        settings.reference,
        settings.plans,
        settings.releases,
        settings.lists,
    )


@lists.command("build")
def lists_build(
    out: Annotated[Path, typer.Option(help="The index to write; STILLWATCH_LISTS names it.")],
    train: Annotated[list[Path] | None, typer.Option(help="A public list that pipelines harvest.")] = None,
    test: Annotated[list[Path] | None, typer.Option(help="A public list that models are examined with.")] = None,
    canary: Annotated[list[Path] | None, typer.Option(help="Prompts that you published as bait.")] = None,
) -> None:
    """Make an index of lists: plain lines or JSON lines, optionally gzip; each option may be given several times."""
    _hand_over("app.run.lists:build", train or [], test or [], canary or [], out)


@ledger.command("lookup")
def ledger_lookup(file: Annotated[Path, typer.Argument(help="A text; it is hashed here and goes nowhere.")]) -> None:
    """Print the clients whose answers a text holds, with the share found and when; exit code 1 for none."""
    _hand_over("app.run.ledger:find", _installed("need_secret"), file)


@ledger.command("hashes")
def ledger_hashes(file: Annotated[Path, typer.Argument(help="A text; it is hashed here and goes nowhere.")]) -> None:
    """Print a text's hashes as the REST look-up takes them."""
    _hand_over("app.run.ledger:hashes", _installed("need_secret"), file)


@organisations.command("import")
def organisations_import(
    table: Annotated[Path, typer.Argument(help="CSV: client,organisation or account,organisation.")],
    unverified: Annotated[bool, typer.Option("--unverified", help="Nobody has made sure of it.")] = False,
) -> None:
    """Say which company is behind which clients; keys of a verified one are not linked with one another."""
    _hand_over("app.run.organisations:run_import", _installed(), table, not unverified)


@attributes.command("import")
def attributes_import(
    table: Annotated[Path, typer.Argument(help="CSV: client or account, then attributes; or JSON lines (.jsonl).")],
    replace: Annotated[bool, typer.Option("--replace", help="Forget what an entry does not name.")] = False,
) -> None:
    """Say what clients or accounts signed up with; kept are keyed hashes, never the values."""
    _hand_over("app.run.attributes:run_import", _installed("need_database", "need_secret"), table, replace)


@attributes.command("forget")
def attributes_forget(
    client: Annotated[str | None, typer.Argument(help="A client, cl_...")] = None,
    account: Annotated[str | None, typer.Option(help="An account instead.")] = None,
    name: Annotated[str | None, typer.Option(help="An attribute of everybody instead, such as phone_prefix.")] = None,
) -> None:
    """Forget what a client or an account signed up with, or one attribute of everybody."""
    _hand_over("app.run.attributes:run_forget", _installed(), client, account, name)


@accounts.command("import")
def accounts_import(
    table: Annotated[Path, typer.Argument(help="CSV with the columns client,account; an empty account takes back.")],
) -> None:
    """Say which customer each client belongs to; it counts over what gateways are told."""
    _hand_over("app.run.accounts:run_import", _installed(), table)


@app.command()
def fit(
    logs: Annotated[list[Path] | None, typer.Argument(help="Exchange logs of ordinary traffic.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Fit on the running service's clients instead.")] = False,
    labels: Annotated[Path | None, typer.Option(help="CSV of client,label: 1 is left out, 0 is kept.")] = None,
    out: Annotated[Path | None, typer.Option(help="The .npz to write; default: STILLWATCH_REFERENCE.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Write it in spite of doubts.")] = False,
) -> None:
    """Learn what is ordinary from this installation's own traffic: writes a reference and its card."""
    _hand_over("app.run.fit:main", _settings(), logs or [], live, labels, out, accept)


@token.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Scopes = [],  # noqa: B006
    days: Annotated[float | None, typer.Option(help="Days after which it ends; default: only when revoked.")] = None,
) -> None:
    """Print a new token, once."""
    _hand_over("app.run.tokens:create", _installed(), name, scope, days)


@token.command("list")
def token_list() -> None:
    """List the tokens, without their secrets."""
    _hand_over("app.run.tokens:list_all", _installed())


@token.command("revoke")
def token_revoke(token_id: Annotated[str, typer.Argument(help="As `stillwatch token list` shows it.")]) -> None:
    """Revoke a token at once."""
    _hand_over("app.run.tokens:revoke", _installed(), token_id)


@app.command("sample-api")
def sample_api(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    fd: Annotated[int, typer.Option(hidden=True)] = -1,
) -> None:
    """Serve the sample model API: made-up answers in the OpenAI wire format."""
    _hand_over("app.sample.model_api:main", host, port, fd)


@app.command("sample-traffic")
def sample_traffic(
    target: Annotated[str, typer.Option(help="Where the sample clients send; default: this host's gateway.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed plays the same requests; 0 draws new ones.")] = 0,
    seconds: Annotated[float, typer.Option(help="Stop after this long; 0 plays on.")] = 0,
) -> None:
    """Play the sample clients through the gateway: a dozen ordinary ones, two harvesters, a harvest by twelve keys."""
    if not target:
        settings = _settings()
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.gateway_host, settings.gateway_host)  # noqa: S104
        target = f"http://[{host}]:{settings.gateway_port}" if ":" in host else f"http://{host}:{settings.gateway_port}"
    _hand_over("app.sample.traffic:main", target, seed, seconds)


def _fail(problem: object, code: int) -> int:
    print(f"stillwatch: {problem}", file=sys.stderr, flush=True)  # noqa: T201
    return code


def main() -> None:
    """Entry point: an operator's mistake ends in one line and exit code 2, never in a traceback."""
    try:
        app()
    except (SettingError, InvalidInput) as error:
        sys.exit(_fail(error, 2))
    except StillwatchError as error:
        sys.exit(_fail(error, 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL, errno.ENOSPC):
            raise
        sys.exit(_fail(error, 2))


if __name__ == "__main__":
    main()
