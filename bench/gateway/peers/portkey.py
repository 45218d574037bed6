"""Portkey's gateway on Node. From npm, with the patch of its own that npm no longer applies by itself."""

from __future__ import annotations

import shutil

from bench.gateway.peers.base import OUT, Peer, run
from bench.gateway.processes import TARGET_CORE, Stage, Target, free_port

FOLDER = OUT / "portkey"
PROGRAM = FOLDER / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
REQUIREMENT = "@portkey-ai/gateway@1.15.2"


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text('{"name": "portkey-for-the-benchmark", "private": true}\n')
    run([npm, "install", "--no-fund", "--no-audit", "--silent", REQUIREMENT], FOLDER)


def _start(made: Stage) -> Target:
    port = free_port()
    command = ["node", str(PROGRAM), "--headless", f"--port={port}"]
    pid = made.run(command, TARGET_CORE, {"NODE_ENV": "production"}, made.folder)
    host = f"http://127.0.0.1:{made.upstream}/v1"
    headers = ("x-portkey-provider: openai", f"x-portkey-custom-host: {host}")
    load = ("--framed", *(part for header in headers for part in ("--header", header)))
    # Every streamed request was answered with 500 by 1.15.2 as npm installs it.
    return made.ready(Target("Portkey", port, pid, load=load, kinds=("json",), freezes=True))


PEER = Peer("Portkey", PROGRAM, _install, _start)
