"""Spans and metrics of exchanges by OpenTelemetry's GenAI conventions; never their text, never the credential."""

from __future__ import annotations

import math
from typing import Final

from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.extractor.providers.body import header
from app.store.handoff import OUTCOMES, Copy
from detectors.exchange import Channel, Dialect, Exchange, Finish, Operation, Outcome, Refusal, Usage

Values = dict[str, str | bool | int | float | list[str]]

MOST_MODELS: Final = 200  # names of models that metrics are split by; customers write them
OTHER: Final = "_OTHER"
TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(14))
SECOND_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
_ERROR_STATUS: Final = 400
_TOO_LARGE: Final = 1 << 63  # for a number of OTLP, whose exporter would log a traceback for each
_OPERATIONS: Final = {
    Operation.CHAT: "chat",
    Operation.RESPONSE: "chat",
    Operation.COMPLETION: "text_completion",
    Operation.EMBEDDING: "embeddings",
}
_PROVIDERS: Final = {
    Dialect.OPENAI: "openai",
    Dialect.ANTHROPIC: "anthropic",
    Dialect.GEMINI: "gcp.gemini",
    Dialect.OLLAMA: "ollama",
}
_FINISHES: Final = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.FILTER: "content_filter",
}


class Spans:
    """Tells a tracer and a meter of exchanges that have ended; whatever is no generation is left out."""

    def __init__(self, tracer: Tracer, meter: Meter, server: str = "") -> None:
        self._tracer = tracer
        self._server = server  # the model API's host
        self._models: set[str] = set()
        self._context = TraceContextTextMapPropagator()
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a generation",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "From a request's start to its answer's end",
            explicit_bucket_boundaries_advisory=SECOND_BUCKETS,
        )
        self._first = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "From a request's start to the first byte of a streamed answer",
            explicit_bucket_boundaries_advisory=SECOND_BUCKETS,
        )

    def __call__(self, copy: Copy, exchange: Exchange) -> None:
        """Tell of one exchange."""
        operation = _OPERATIONS.get(exchange.operation)
        provider = _PROVIDERS.get(exchange.dialect)
        if operation is None or provider is None:
            return
        if exchange.dialect == Dialect.GEMINI and operation == "chat":
            operation = "generate_content"
        common: Values = {"gen_ai.operation.name": operation, "gen_ai.provider.name": _precise(provider, copy)}
        if self._server:
            common["server.address"] = self._server
        if error := _error(copy, exchange):
            common["error.type"] = error
        self._span(copy, exchange, common)
        self._measure(copy, exchange, {**common, "gen_ai.request.model": self._bounded(exchange)})

    def _span(self, copy: Copy, exchange: Exchange, common: Values) -> None:
        parent = header(copy.request_headers, b"traceparent").decode("latin-1")
        values = {**common, **_request(exchange), **_answer(copy, exchange)}
        span = self._tracer.start_span(
            f"{common['gen_ai.operation.name']} {exchange.model}".strip(),
            self._context.extract({"traceparent": parent}) if parent else None,
            SpanKind.CLIENT,
            {name: value for name, value in values.items() if value not in ("", None)},
            start_time=int(copy.at * 1e9),
        )
        if "error.type" in common:
            span.set_status(Status(StatusCode.ERROR))
        span.end(int((copy.at + copy.duration) * 1e9))

    def _measure(self, copy: Copy, exchange: Exchange, values: Values) -> None:
        self._duration.record(copy.duration, values)
        if exchange.channel == Channel.STREAM and math.isfinite(copy.ttfb):
            self._first.record(copy.ttfb, values)
        if exchange.usage == Usage.REPORTED:
            self._tokens.record(exchange.input_tokens, {**values, "gen_ai.token.type": "input"})
            self._tokens.record(exchange.output_tokens, {**values, "gen_ai.token.type": "output"})

    def _bounded(self, exchange: Exchange) -> str:
        """The model's name where the model API knows it and there are not too many; metrics never forget a label."""
        name = exchange.model
        if name in self._models:
            return name
        if not name or not 0 < exchange.status < _ERROR_STATUS or len(self._models) >= MOST_MODELS:
            return OTHER
        self._models.add(name)
        return name


def _precise(provider: str, copy: Copy) -> str:
    if provider == "openai" and b"/deployments/" in copy.target:
        return "azure.ai.openai"
    if b"/publishers/google/" in copy.target:
        return "gcp.vertex_ai"
    return provider


def _error(copy: Copy, exchange: Exchange) -> str:
    if exchange.outcome not in (Outcome.OK, Outcome.UPSTREAM_ERROR):
        return OUTCOMES[exchange.outcome]
    if copy.status >= _ERROR_STATUS:
        return str(copy.status)
    return OUTCOMES[exchange.outcome] if exchange.outcome else ""


def _request(exchange: Exchange) -> Values:
    values: Values = {"gen_ai.request.model": exchange.model, "gen_ai.request.stream": exchange.stream}
    optional = {
        "gen_ai.request.max_tokens": exchange.max_tokens,
        "gen_ai.request.temperature": exchange.temperature,
        "gen_ai.request.top_p": exchange.top_p,
        "gen_ai.request.seed": exchange.seed,
        "gen_ai.request.choice.count": exchange.choices if exchange.choices != 1 else None,
        "stillwatch.request.top_logprobs": exchange.top_logprobs if exchange.top_logprobs >= 0 else None,
    }
    return values | {name: value for name, value in optional.items() if value is not None and abs(value) < _TOO_LARGE}


def _answer(copy: Copy, exchange: Exchange) -> Values:
    values: Values = {
        "http.response.status_code": copy.status,
        "url.path": copy.target.partition(b"?")[0].decode("latin-1"),
        "user_agent.original": exchange.user_agent,
        "stillwatch.client.id": f"cl_{copy.client:016x}",
        "stillwatch.outcome": OUTCOMES[exchange.outcome],
    }
    if finish := _FINISHES.get(exchange.finish):
        values["gen_ai.response.finish_reasons"] = [finish]
    if exchange.refusal != Refusal.NONE:
        values["stillwatch.response.refusal"] = exchange.refusal.name.lower()
    if exchange.usage == Usage.REPORTED:
        values["gen_ai.usage.input_tokens"] = exchange.input_tokens
        values["gen_ai.usage.output_tokens"] = exchange.output_tokens
    if exchange.channel == Channel.STREAM and math.isfinite(copy.ttfb):
        values["gen_ai.response.time_to_first_chunk"] = copy.ttfb
    return values
