"""What both listeners expose: every process is there, and no label grows with customers, keys or texts."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.soak import callers
from bench.soak.stage import until

# Each label with the most values that it may ever have on one product of one host.
LABELS = {
    "outcome": 6,
    "action": 8,
    "mode": 4,
    "kind": 16,
    "cause": 16,
    "upstream": 16,
    "route": 80,
    "method": 8,
    "status": 30,
    "le": 20,
    "dependency": 4,
    "role": 6,
    "instance": 16,
    "name": 200,
}
CLIENTS = 150


def series(line):
    """Every sample of both listeners."""
    both = ((line.product.gateway, "/_stillwatch/metrics"), (line.product.console, "/metrics"))
    for port, path in both:
        status, body = line.product.get(port, path)
        assert status == 200
        for family in text_string_to_metric_families(body.decode()):
            assert family.name.startswith("stillwatch_")
            assert family.documentation
            yield from family.samples


def shape(line):
    """The values of each label."""
    found = {}
    for sample in series(line):
        for name, value in sample.labels.items():
            found.setdefault(name, set()).add(value)
    return found


@pytest.mark.parametrize("line", [{"direct": True}], ids=["direct"], indirect=True)
def test_no_label_grows_with_customers(line):
    async def crowd():
        caller = callers.Caller(line.product.gateway)
        try:
            for number in range(CLIENTS):
                body = callers.question(number, stream=False).replace(b"soak-1", b"model-%d" % number)
                await caller.ask(callers.post(body, f"sk-{number}", path=f"/v1/projects/{number}/chat/completions"))
        finally:
            await caller.close()

    line.ask("sk-first")
    until(lambda: {"gateway", "extractor", "worker"} <= shape(line).get("role", set()), "every role reports", 20)
    before = shape(line)
    count = sum(1 for _ in series(line))
    asyncio.run_coroutine_threadsafe(crowd(), line.loop.loop).result(180)
    until(lambda: line.counts("worker").get("events", 0) > CLIENTS, "all of it is scored", 20)
    after = shape(line)
    assert set(after) <= set(LABELS), "a new label: say here how many values it may have"
    assert not {name: len(values) for name, values in after.items() if len(values) > LABELS[name]}
    grown = {name: sorted(values - before.get(name, set())) for name, values in after.items()}
    assert sum(map(len, grown.values())) < 30, grown  # names of counters that counted for the first time
    assert sum(1 for _ in series(line)) - count < 60
    assert not [
        value for values in after.values() for value in values if "cl_" in value or "sk-" in value or "model-" in value
    ]
