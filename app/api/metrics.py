"""Metrics of API and dashboard, and of every process by its heartbeat, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.store.heartbeat import Heartbeat

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ApiMetrics:
    """Counters of one console process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "stillwatch_console_requests_total",
            "Requests answered by API and dashboard",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "stillwatch_console_request_seconds",
            "Time to the end of the answer",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.failures = Counter(
            "stillwatch_console_failures_total", "Requests that ended in an error of ours", registry=self.registry
        )

    def observe(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        """Count one answered request under its route's template, so that the label set stays small."""
        route = scope.get("route")
        path = str(getattr(route, "path", None) or "none")
        method = str(scope["method"])
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self.requests.labels(path, known, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def render(self, families: Iterable[Metric]) -> bytes:
        """Everything in the text format, `families` after our own."""
        passing = CollectorRegistry()
        passing.register(_Given(list(families)))
        return generate_latest(self.registry) + generate_latest(passing)


class _Given:
    """A collector of ready families."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def dependencies(up: Mapping[str, bool]) -> Metric:
    """Whether each dependency answers."""
    family = GaugeMetricFamily("stillwatch_dependency_up", "1 where the dependency answers", labels=("dependency",))
    for name, answers in up.items():
        family.add_metric((name,), float(answers))
    return family


def alerts(counts: Mapping[Any, int]) -> Metric:
    """Alerts by state."""
    states = GaugeMetricFamily("stillwatch_alerts", "Alerts by state", labels=("status",))
    for state, count in counts.items():
        states.add_metric((str(state),), count)
    return states


def processes(beats: Iterable[Heartbeat], now: float) -> list[Metric]:
    """What each living process counts and measures, as its heartbeat says."""
    labels = ("role", "instance", "name")
    counters = CounterMetricFamily("stillwatch_process_count", "Counters of each process", labels=labels)
    gauges = GaugeMetricFamily("stillwatch_process_gauge", "Gauges of each process", labels=labels)
    ages = GaugeMetricFamily("stillwatch_heartbeat_age_seconds", "Age of each heartbeat", labels=("role", "instance"))
    for beat in beats:
        ages.add_metric((beat.role, beat.instance), max(0.0, now - beat.at))
        for name, value in beat.counters.items():
            counters.add_metric((beat.role, beat.instance, name), float(value))
        for name, value in beat.gauges.items():
            gauges.add_metric((beat.role, beat.instance, name), float(value))
    return [ages, counters, gauges]
