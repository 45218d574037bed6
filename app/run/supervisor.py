"""The supervisor: starts every process in order, restarts what dies, stops all of it in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from app.access.bootstrap import load_admin_token
from app.errors import SettingError, Unavailable
from app.gateway.identify import client_of
from app.run import plan, probe
from app.run.child import Child, Spec, die_with
from app.run.embedded import Embedded
from app.run.logs import BoundedLog, Output
from app.run.preflight import check_ports, lock_folder, prepare_folder
from app.run.progress import Progress
from app.run.screen import Addresses, Screen
from app.sample.harvest import SHARDS
from app.sample.traffic import PERSONAS
from app.settings import Settings
from app.store.redis import check_async, connect_async
from app.store.secret import load_secret

READY_SECONDS = 90.0  # for gateway and API to answer, on a slow machine
MOST_STARTS = 4  # of one of them before we give up
MIGRATE_SECONDS = 120.0
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_SECONDS = 1.0  # a signal that comes twice within it was sent once, to the whole group
LEGEND = "sample-clients.csv"
LOOPBACK = "127.0.0.0/8,::1/128"


class Supervisor:
    """One run: its children by name, and how to bring them up and down."""

    def __init__(self, settings: Settings, folder: Path, screen: Screen, environ: Mapping[str, str]) -> None:
        self.settings, self.folder, self.screen, self.environ = settings, folder, screen, environ
        self.children: dict[str, Child] = {}
        self.embedded: Embedded | None = None
        self.sample_socket: socket.socket | None = None
        self.stopping = asyncio.Event()
        self.began = time.time()  # alerts from before it were announced by the run before
        self.secret = load_secret(settings).decode()
        self.token = load_admin_token(settings)

    def _child(self, spec: Spec) -> Child:
        def say(text: str) -> None:
            if not self.stopping.is_set():
                self.screen.event(spec.name, text)

        child = Child(spec, Output(BoundedLog(self.folder / "logs" / f"{spec.name}.log"), say), say)
        self.children[spec.name] = child
        return child

    async def up(self) -> None:
        """Start everything and wait until gateway and API answer; raises SettingError or Unavailable."""
        env = plan.environment(self.environ, self.settings, await self._resolve())
        if self.sample_socket is not None and not self.settings.trusted_peers:
            env["STILLWATCH_TRUSTED_PEERS"] = LOOPBACK  # some sample clients say where they come from
        await self._migrate(env)
        if self.sample_socket is not None:
            await self._child(plan.sample_api_spec(env, self.sample_socket.fileno())).start()
        for spec in plan.service_specs(self.settings, env):
            await self._child(spec).start()
        await self._answers("gateway", self.settings.gateway_host, self.settings.gateway_port, "/_stillwatch/livez")
        await self._answers("console", self.settings.console_host, self.settings.console_port, "/livez")
        if self.sample_socket is not None:
            await self._child(plan.sample_traffic_spec(env)).start()
        for child in self.children.values():  # from now on customers depend on the gateway: nothing ends the run
            child.starting = False
        self.raise_fatal()  # one that ended a moment ago would never be started again

    async def _resolve(self) -> plan.Resolved:
        """Redis, upstream and secrets: the operator's, or those of this run."""
        redis_url, upstream = self.settings.redis_url, self.settings.upstream
        if redis_url:
            await _check_redis(redis_url)
        else:
            self.embedded = Embedded(self.folder)
            valkey = self._child(self.embedded.spec(plan.clean(self.environ)))
            await valkey.start()
            await self.embedded.ready(valkey)
            redis_url = self.embedded.url
        if not (upstream or self.settings.routes):
            self.sample_socket = socket.create_server(("127.0.0.1", 0), backlog=512)
            upstream = f"http://127.0.0.1:{self.sample_socket.getsockname()[1]}"
        return plan.Resolved(str(self.folder), self.secret, self.token, redis_url, upstream)

    async def _migrate(self, env: Mapping[str, str]) -> None:
        parent = os.getpid()
        process = await asyncio.create_subprocess_exec(
            *plan.command("migrate"),
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), MIGRATE_SECONDS)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
            raise SettingError(
                "DATABASE_URL", f"the migration failed: {lines[-1]}", "see that the database can be reached"
            )

    async def _answers(self, name: str, host: str, port: int, path: str) -> None:
        child, deadline = self.children[name], time.monotonic() + READY_SECONDS
        while (await probe.get(host, port, path))[0] != 200:
            self.raise_fatal()
            if time.monotonic() > deadline or child.starts > MOST_STARTS:
                raise Unavailable(f"{name} does not start: {child.output.obituary()} (see {child.output.log.path})")
            await asyncio.sleep(0.1)

    def raise_fatal(self) -> None:
        """Raises SettingError, as the child did, if one ended because of a setting: to start it again would not help.

        Unavailable where what it said is no setting's error.
        """
        for name, child in self.children.items():
            if child.fatal.is_set():
                said = child.output.obituary()
                setting, _, rest = said.partition(": ")
                problem, _, remedy = rest.rpartition(". Remedy: ")
                raise SettingError(setting, problem, remedy) if problem else Unavailable(f"{name} cannot run: {said}")

    async def down(self) -> None:
        """Stop all children in order."""
        self.stopping.set()
        for names in plan.STOP_ORDER:
            await asyncio.gather(*(self.children[name].stop() for name in names if name in self.children))
        if self.embedded is not None:
            self.embedded.clear()
        if self.sample_socket is not None:
            self.sample_socket.close()

    def hurry(self) -> None:
        """Kill whatever still runs: the operator pressed Ctrl-C again."""
        for child in self.children.values():
            child.kill()

    def addresses(self) -> Addresses:
        """What the banner says."""
        settings = self.settings
        console = _url(settings.console_host, settings.console_port)
        shown = settings.data if str(settings.data) else self.folder
        return Addresses(
            gateway=_url(settings.gateway_host, settings.gateway_port),
            console=console,
            api=f"{console}/api/v1/openapi.json",
            token=self.token,
            data=f"{shown}, {shown / 'logs'}",
            upstream=settings.upstream or settings.routes,
        )

    def legend(self) -> dict[str, str]:
        """Client ids of the sample harvesters; writes the whole cast beside the data, as a label file."""
        ids = {}
        rows = ["client,label,family,persona,campaign"]
        for persona in (*PERSONAS, *SHARDS):
            header = [(b"authorization", f"Bearer {persona.key}".encode())]
            client = f"cl_{client_of(self.secret.encode(), header, b'', ''):016x}"
            shared = persona in SHARDS
            rows.append(f"{client},{int(persona.harvests)},sample,{persona.name},{'shards' if shared else ''}")
            if persona.harvests and not shared:  # a shard shows in its campaign, not by an alert of its own
                ids[client] = persona.name
        (self.folder / LEGEND).write_text("\n".join(rows) + "\n", "utf-8")
        return ids


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


async def _check_redis(url: str) -> None:
    client = connect_async(url, timeout=3.0)
    try:
        await check_async(client)
    except Unavailable as error:
        raise SettingError("REDIS_URL", str(error), "start it, correct the URL, or leave it empty") from None
    finally:
        await client.aclose()


async def _watch(supervisor: Supervisor) -> None:
    """Tell what happens until cancelled."""
    sample = not (supervisor.settings.upstream or supervisor.settings.routes)
    progress = Progress(
        supervisor.settings,
        supervisor.token,
        supervisor.screen,
        supervisor.addresses().console,
        supervisor.legend() if sample else {},
        supervisor.began,
    )
    await progress.follow()


async def _serve(supervisor: Supervisor) -> None:
    await supervisor.up()
    supervisor.screen.banner(supervisor.addresses())
    await _watch(supervisor)


async def run(settings: Settings, folder: Path, screen: Screen, environ: Mapping[str, str]) -> None:
    """Run until a signal stops it; raises what kept it from running."""
    supervisor = Supervisor(settings, folder, screen, environ)
    task = asyncio.create_task(_serve(supervisor))
    loop = asyncio.get_running_loop()

    asked = 0.0

    def stop(number: int) -> None:
        nonlocal asked
        if not supervisor.stopping.is_set():
            supervisor.stopping.set()
            asked = loop.time()
            task.cancel()
        elif number == signal.SIGINT and loop.time() - asked > PATIENCE_SECONDS:
            supervisor.hurry()

    for number in STOPS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks to outlive it
            loop.add_signal_handler(number, stop, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # delivered now, if one came before its handler
    try:
        await task
    except asyncio.CancelledError:
        screen.progress("")
        screen.say("Stopping ... (Ctrl-C again kills what still runs)")
    finally:
        await supervisor.down()
    screen.say("Stopped.")


def main(settings: Settings) -> int:
    """`stillwatch run`."""
    folder = prepare_folder(settings.data)
    with contextlib.closing(lock_folder(folder)):
        check_ports(settings)
        screen = Screen()
        # A stop that comes before the loop can handle it waits: unhandled, it would end this process by the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        screen.say("Stillwatch starts ...")
        asyncio.run(run(settings, folder, screen, os.environ))
    return 0
