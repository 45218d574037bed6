"""Whether OpenTelemetry is asked for, by its own standard variables; the SDK is loaded only then."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.extractor.spans import Spans

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
SIGNALS = {"traces": "OTEL_TRACES_EXPORTER", "metrics": "OTEL_METRICS_EXPORTER"}
PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
SCOPE = "stillwatch"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exporting:
    """What tells of exchanges, and how to send the last of it."""

    spans: Spans
    shutdown: Callable[[], None]


def wanted(env: Mapping[str, str]) -> dict[str, bool]:
    """For traces and metrics, whether they are to be exported over OTLP."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return dict.fromkeys(SIGNALS, False)
    asked = any(env.get(name) for name in ENDPOINTS)
    return {
        signal: env.get(name, "").strip().lower() in (("otlp", "") if asked else ("otlp",))
        for signal, name in SIGNALS.items()
    }


def start(env: Mapping[str, str], upstream: str) -> Exporting | None:
    """Begin to export as the variables say; None where nobody asks, or the SDK is not installed."""
    signals = wanted(env)
    if not any(signals.values()):
        return None
    if not all(map(_installed, PACKAGES)):
        logger.error("OpenTelemetry is asked for and not installed: pip install 'stillwatch[otel]'")
        return None
    resource = _load("opentelemetry.sdk.resources:Resource").create(
        {} if env.get("OTEL_SERVICE_NAME") else {"service.name": SCOPE}
    )
    tracing = _load("opentelemetry.sdk.trace:TracerProvider")(resource=resource, shutdown_on_exit=False)
    if signals["traces"]:
        exporter = _load("opentelemetry.exporter.otlp.proto.http.trace_exporter:OTLPSpanExporter")()
        tracing.add_span_processor(_load("opentelemetry.sdk.trace.export:BatchSpanProcessor")(exporter))
    readers = []
    if signals["metrics"]:
        exporter = _load("opentelemetry.exporter.otlp.proto.http.metric_exporter:OTLPMetricExporter")()
        readers.append(_load("opentelemetry.sdk.metrics.export:PeriodicExportingMetricReader")(exporter))
    metering = _load("opentelemetry.sdk.metrics:MeterProvider")(readers, resource, shutdown_on_exit=False)

    def shutdown() -> None:
        tracing.shutdown()
        metering.shutdown()

    logger.info("exchanges are told by OpenTelemetry", extra=signals)
    server = urlsplit(upstream).hostname or ""
    return Exporting(Spans(tracing.get_tracer(SCOPE), metering.get_meter(SCOPE), server), shutdown)


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
