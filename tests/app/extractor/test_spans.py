"""What OpenTelemetry is told of an exchange, by the GenAI conventions; and what it is never told."""

import dataclasses
import json

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.extractor import providers
from app.extractor.spans import MOST_MODELS, OTHER, Spans

CANARY = "canary-text-of-a-customer"
KEY = "sk-canary-0123456789"
BODY = {
    "model": "m-large",
    "messages": [{"role": "user", "content": CANARY}],
    "max_tokens": 99,
    "temperature": 0.5,
    "seed": 4,
    "n": 2,
    "logprobs": True,
    "top_logprobs": 5,
}
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "model": "m-large-0601",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": CANARY}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}
STREAM = b"".join(
    b"data: " + json.dumps(part).encode() + b"\n\n"
    for part in (
        {"model": "m", "choices": [{"index": 0, "delta": {"content": CANARY}, "finish_reason": None}]},
        {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
    )
)


@pytest.fixture
def told():
    """Spans and metrics in memory: what tells, and two functions that read."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing, metering = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(tracing.get_tracer("t"), metering.get_meter("t"), "model.test")

    def points():
        data = json.loads(reader.get_metrics_data().to_json())
        metrics = data["resource_metrics"][0]["scope_metrics"][0]["metrics"]
        return {metric["name"]: metric["data"]["data_points"] for metric in metrics}

    yield spans, exporter.get_finished_spans, points
    tracing.shutdown()
    metering.shutdown()


def tell(spans, copy):
    spans(copy, providers.parse(copy))


def test_numbers_that_no_span_can_hold_are_left_out(told, copy_of):
    spans, finished, _ = told
    wild = {**BODY, "seed": 10**30, "max_tokens": -(10**30), "n": 1e300}
    tell(spans, copy_of(json.dumps(wild).encode(), json.dumps(ANSWER).encode()))
    [span] = finished()
    numbers = [value for value in span.attributes.values() if isinstance(value, int)]
    assert all(-(1 << 63) <= value < 1 << 63 for value in numbers)
    assert not {"gen_ai.request.seed", "gen_ai.request.max_tokens"} & span.attributes.keys()
    assert span.attributes["gen_ai.request.temperature"] == 0.5


def test_a_chat_by_the_conventions(told, copy_of):
    spans, finished, points = told
    copy = copy_of(json.dumps(BODY).encode(), json.dumps(ANSWER).encode(), client=0xC0FFEE)
    tell(spans, copy)
    [span] = finished()
    assert (span.name, span.kind.name) == ("chat m-large", "CLIENT")
    assert span.start_time == int(copy.at * 1e9)
    assert span.end_time == int((copy.at + copy.duration) * 1e9)
    wanted = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m-large",
        "gen_ai.request.stream": False,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.seed": 4,
        "gen_ai.request.choice.count": 2,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "server.address": "model.test",
        "http.response.status_code": 200,
        "url.path": "/v1/chat/completions",
        "stillwatch.client.id": "cl_0000000000c0ffee",
        "stillwatch.outcome": "ok",
        "stillwatch.request.top_logprobs": 5,
    }
    assert wanted.items() <= dict(span.attributes).items()
    found = points()
    assert {one["attributes"]["gen_ai.token.type"]: one["sum"] for one in found["gen_ai.client.token.usage"]} == {
        "input": 11,
        "output": 7,
    }
    [duration] = found["gen_ai.client.operation.duration"]
    assert (duration["count"], duration["attributes"]["gen_ai.request.model"]) == (1, "m-large")
    assert duration["explicit_bounds"][0] == 0.01
    assert "gen_ai.client.operation.time_to_first_chunk" not in found


def test_a_stream_has_a_first_chunk(told, copy_of):
    spans, finished, points = told
    copy = copy_of(json.dumps(BODY | {"stream": True}).encode(), STREAM)
    tell(spans, dataclasses.replace(copy, ttfb=0.25))
    [span] = finished()
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert span.attributes["gen_ai.request.stream"] is True
    assert points()["gen_ai.client.operation.time_to_first_chunk"][0]["sum"] == 0.25


def test_errors_and_aborts_have_a_type(told, copy_of):
    spans, finished, _ = told
    copy = copy_of(json.dumps(BODY).encode(), b'{"error": {}}')
    for change in ({"status": 429}, {"outcome": 1}, {"status": 0, "outcome": 4}):
        tell(spans, dataclasses.replace(copy, **change))
    assert [span.attributes["error.type"] for span in finished()] == ["429", "client_aborted", "timeout"]
    assert {span.status.status_code.name for span in finished()} == {"ERROR"}


def test_a_span_joins_the_customers_trace(told, copy_of):
    spans, finished, _ = told
    copy = copy_of(json.dumps(BODY).encode(), json.dumps(ANSWER).encode())
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    for value in (f"00-{trace}-{parent}-01", "no trace parent"):
        headers = (*copy.request_headers, (b"traceparent", value.encode()))
        tell(spans, dataclasses.replace(copy, request_headers=headers))
    first, second = finished()
    assert (f"{first.context.trace_id:032x}", f"{first.parent.span_id:016x}") == (trace, parent)
    assert second.parent is None


def test_no_text_no_query_and_nothing_but_generations(told, copy_of):
    spans, finished, points = told
    copy = copy_of(json.dumps(BODY | {"user": CANARY}).encode(), json.dumps(ANSWER).encode())
    tell(spans, dataclasses.replace(copy, target=f"/v1/chat/completions?key={KEY}&q={CANARY}".encode()))
    tell(spans, dataclasses.replace(copy, target=b"/v1/models", method="GET"))
    [span] = finished()
    text = span.to_json() + json.dumps(points())
    assert CANARY not in text
    assert KEY not in text


def test_names_of_models_do_not_split_metrics_without_end(told, copy_of):
    spans, _, points = told
    copy = copy_of(b"{}", json.dumps(ANSWER).encode())
    for number in range(MOST_MODELS + 50):
        tell(spans, dataclasses.replace(copy, request_body=json.dumps(BODY | {"model": f"m-{number}"}).encode()))
    refused = dataclasses.replace(copy, request_body=json.dumps(BODY | {"model": "made-up"}).encode(), status=404)
    tell(spans, refused)
    names = {one["attributes"]["gen_ai.request.model"] for one in points()["gen_ai.client.operation.duration"]}
    assert len(names) == MOST_MODELS + 1
    assert OTHER in names
    assert "made-up" not in names
