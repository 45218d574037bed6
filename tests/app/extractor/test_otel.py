"""OpenTelemetry is loaded where its own variables ask for it, and nowhere else."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.extractor import otel
from detectors.exchange import Dialect, Exchange, Operation


@pytest.mark.parametrize(
    ("env", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_SERVICE_NAME": "x"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False, False),
    ],
)
def test_what_is_wanted(env, traces, metrics):
    assert otel.wanted(env) == {"traces": traces, "metrics": metrics}


def test_nobody_pays_who_does_not_ask():
    code = "import sys, app.extractor.run\n"
    code += "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
    assert otel.start({}, "http://model.test") is None


def test_a_missing_sdk_is_said_with_its_remedy(monkeypatch, caplog):
    monkeypatch.setattr(otel, "PACKAGES", ("opentelemetry.no_such_package", "no_such_package.at.all"))
    assert otel.start({"OTEL_TRACES_EXPORTER": "otlp"}, "") is None
    assert "stillwatch[otel]" in caplog.text


def test_spans_and_metrics_arrive_at_a_collector(monkeypatch, copy_of):
    got = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            got[self.path] = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        exporting = otel.start(env, "https://model.test/v1")
        exchange = Exchange(
            at=1.7e9, client=7, dialect=Dialect.OPENAI, operation=Operation.CHAT, model="m-1", status=200
        )
        exporting.spans(copy_of(b"{}", b"{}"), exchange)
        exporting.shutdown()
        server.shutdown()
        serving.join()
    assert b"chat m-1" in got["/v1/traces"]
    assert b"model.test" in got["/v1/traces"]
    assert b"gen_ai.client.operation.duration" in got["/v1/metrics"]
    assert b"stillwatch" in got["/v1/metrics"]
