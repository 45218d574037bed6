"""Load from wrk and a model API that is nginx: both sleep whenever the proxy lets them wait."""

from __future__ import annotations

import re
import shutil

from bench.gateway.messages import ANSWER, BODY, LINES
from bench.gateway.processes import LOAD_CORE, Stage, Target
from bench.gateway.targets import nginx_process

ORIGIN = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type application/json; return 200 '{answer}'; }}
  }}
"""
DONE = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def missing() -> str:
    """What is not installed that this load needs; empty where all is."""
    return ", ".join(name for name in ("wrk", "nginx") if shutil.which(name) is None)


def origin(made: Stage) -> None:
    """Start the model API, on the port that every target forwards to."""
    nginx_process(made, "origin", ORIGIN.format(port=made.upstream, answer=ANSWER.decode()), LOAD_CORE)
    made.ready(Target("the model API", made.upstream))
    headers = [line.partition(": ") for line in LINES.split("\r\n")[1:] if line]  # wrk has a host of its own
    script = [f'wrk.method = "POST"\nwrk.body = [==[{BODY.decode()}]==]\n']
    script += [f'wrk.headers["{name}"] = "{value}"\n' for name, _, value in headers]
    (made.folder / "wrk.lua").write_text("".join(script))


def load(made: Stage, target: Target, seconds: float, connections: int) -> dict[str, float]:
    """Run wrk against `target` for whole seconds; requests and seconds."""
    url = f"http://127.0.0.1:{target.port}/v1/chat/completions"
    amount = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    output = made.measured(["wrk", *amount, "-s", str(made.folder / "wrk.lua"), url])
    found = DONE.search(output)
    if found is None or "Non-2xx" in output:
        raise SystemExit(f"wrk failed against {target.name}: {output}")
    return {"requests": float(found[1]), "seconds": float(found[2]) * SECONDS[found[3]]}
