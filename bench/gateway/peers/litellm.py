"""LiteLLM's proxy: one worker, no database, no key check. From PyPI, in a virtual environment of its own."""

from __future__ import annotations

import json
import urllib.request

from bench.gateway.peers.base import OUT, Peer, venv_with
from bench.gateway.processes import TARGET_CORE, Stage, Target, free_port

FOLDER = OUT / "litellm"
PROGRAM = FOLDER / "bin" / "litellm"
REQUIREMENT = "litellm[proxy]==1.108.7"
START_SECONDS = 300.0  # it imports a great deal, on a core that others use as well


def _install() -> None:
    venv_with(FOLDER, REQUIREMENT)


def _start(made: Stage) -> Target:
    port = free_port()
    parameters = {"model": "openai/m", "api_base": f"http://127.0.0.1:{made.upstream}/v1", "api_key": "unused"}
    configuration = {
        "model_list": [{"model_name": "m", "litellm_params": parameters}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
    }
    path = made.folder / "litellm.yaml"
    path.write_text(json.dumps(configuration))  # which is YAML
    settings = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    command = [str(PROGRAM), "--config", str(path), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    pid = made.run(command, TARGET_CORE, settings, made.folder)
    target = made.ready(
        Target("LiteLLM", port, pid, load=("--framed",), kinds=("json", "stream"), freezes=True), START_SECONDS
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=START_SECONDS):
        return target


PEER = Peer("LiteLLM", PROGRAM, _install, _start)
