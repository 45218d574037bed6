"""What the gateway tells of itself: one set of readings for metrics, status and the hand-off's counters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from app.gateway.server import Protocol
from app.store.frames import OUTCOMES

if TYPE_CHECKING:
    from app.gateway.app import Parts

MODES = ("bypass", "observe", "enforce")
# name: (meaning, whether it is a gauge). Names in Prometheus have the prefix stillwatch_gateway_.
PLAIN: dict[str, tuple[str, bool]] = {
    "in_flight": ("requests being served", True),
    "faults": ("requests that failed inside the gateway", False),
    "overloaded": ("requests refused because as many as allowed were being served", False),
    "unreadable": ("requests that are not valid HTTP", False),
    "retries": ("requests sent again because a pooled connection was stale", False),
    "upstream_opened": ("connections opened to the model API", False),
    "upstream_reused": ("requests that used a pooled connection", False),
    "upstream_failed": ("attempts to connect to the model API that failed", False),
    "upstream_untrusted": ("connections to the model API that failed in TLS", False),
    "unrouted": ("requests whose path no route serves, one for each head of a connection", False),
    "upstream_idle": ("connections that wait in the pool", True),
    "identity_unverified": ("tokens that named no client, one for each head of a connection", False),
    "identity_untrusted": ("identity headers of peers that are not trusted, one for each head", False),
    "identity_unusable": ("identity headers of trusted peers that named no client, one for each head", False),
    "forwarded_unreadable": ("lists of addresses with something else in them, one for each head", False),
    "handoff_sent": ("copies that the extractor acknowledged", False),
    "handoff_dropped": ("copies that never reached the extractor", False),
    "handoff_bytes": ("bytes written to the extractor", False),
    "handoff_waiting_bytes": ("bytes that wait for the extractor", True),
    "extractor_connected": ("1 while the extractor is connected", True),
    "decisions": ("decisions in the local table", True),
    "decisions_connected": ("1 while the decisions are followed", True),
    "decisions_failures": ("reads of the decisions that failed", False),
    "decisions_unreadable": ("entries that are no decision", False),
    "decisions_unknown": ("requests under a decision whose action or parameters are unknown", False),
    "decisions_resyncs": ("times that all standing decisions were read", False),
    "degrade_untouched": ("bodies of degraded clients that could not be rewritten", False),
    "mode": ("0 bypass, 1 observe, 2 enforce", True),
    "mode_version": ("number of the change that set the mode; 0 by the setting", True),
}
LABELLED = {
    "requests": ("outcome", "requests that have ended"),
    "would_have": ("action", "requests that a decision would have acted on, were it not simulated"),
    "acted": ("action", "requests that a decision acted on"),
}


class Readings:
    """Reads the counters of a process's parts at the moment it is asked."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def plain(self) -> dict[str, int]:
        """The readings without labels, by name."""
        parts, sender, follower = self._parts, self._parts.sender, self._parts.follower
        return {
            "in_flight": parts.counts.in_flight,
            "faults": Protocol.faults,
            "overloaded": parts.counts.overloaded,
            "unreadable": Protocol.unreadable,
            "retries": parts.router.retries,
            "upstream_opened": parts.router.opened,
            "upstream_reused": parts.router.reused,
            "upstream_failed": parts.router.failed,
            "upstream_untrusted": parts.router.untrusted,
            "unrouted": parts.router.unmatched,
            "upstream_idle": parts.router.idle,
            **parts.identifier.readings(),
            "handoff_sent": sender.sent,
            "handoff_dropped": sender.dropped,
            "handoff_bytes": sender.bytes,
            "handoff_waiting_bytes": sender.waiting,
            "extractor_connected": int(sender.connected),
            "decisions": len(parts.table),
            "decisions_connected": int(follower is not None and follower.connected),
            "decisions_failures": follower.failures if follower else 0,
            "decisions_unreadable": follower.unreadable if follower else 0,
            "decisions_unknown": parts.enforcer.unknown,
            "decisions_resyncs": follower.resyncs if follower else 0,
            "degrade_untouched": parts.enforcer.untouched,
            "mode": MODES.index(parts.mode),
            "mode_version": parts.told.version,
        }

    def labelled(self) -> dict[str, dict[str, int]]:
        """The readings by label."""
        parts = self._parts
        return {
            "requests": dict(zip(OUTCOMES, parts.counts.outcomes, strict=True)),
            "would_have": parts.enforcer.would_have,
            "acted": parts.enforcer.acted,
        }

    def flat(self) -> dict[str, float]:
        """Every reading under one flat name; what the hand-off carries."""
        labelled = self.labelled()
        values: dict[str, float] = {"requests": sum(labelled["requests"].values()), **self.plain()}
        for name, by_label in labelled.items():
            values |= {f"{name}_{label}": value for label, value in by_label.items()}
        return values

    def links(self) -> dict[str, Any]:
        """The mode, and whether extractor and Redis are there: neither makes the gateway unready."""
        parts = self._parts
        extractor = "off" if parts.mode == "bypass" else "connected" if parts.sender.connected else "away"
        redis = "off" if parts.follower is None else "connected" if parts.follower.connected else "away"
        return {"mode": parts.mode, "extractor": extractor, "redis": redis}

    def status(self) -> dict[str, Any]:
        """Everything, for people."""
        parts = self._parts
        return {
            "status": "stopping" if parts.stopping else "ready",
            **self.links(),
            "routes": parts.router.describe(),
            "mode_version": parts.told.version,
            "uptime_seconds": round(time.time() - parts.started, 3),
            "counters": self.flat(),
        }


class _Collector(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        plain = self._readings.plain()
        for name, (meaning, is_gauge) in PLAIN.items():
            family = GaugeMetricFamily if is_gauge else CounterMetricFamily
            yield family(f"stillwatch_gateway_{name}", meaning, value=plain[name])
        for name, by_label in self._readings.labelled().items():
            label, meaning = LABELLED[name]
            counter = CounterMetricFamily(f"stillwatch_gateway_{name}", meaning, labels=[label])
            for value, count in by_label.items():
                counter.add_metric([value], count)
            yield counter


def registry(readings: Readings) -> CollectorRegistry:
    """A registry of this process's own; no metric has a client for a label."""
    own = CollectorRegistry(auto_describe=False)
    own.register(_Collector(readings))
    return own
