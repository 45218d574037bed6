"""Redis refused, killed, silent and slow: customers notice nothing, the loss is counted and said, and it passes."""

from __future__ import annotations

import time

from bench.soak.stage import until

FAULT_SECONDS = 1.2
TIMES_SLOWER, MORE_SECONDS = 4.0, 0.05  # what the medians of two spans of one run may differ by on a busy machine


def _refused(line):
    line.wire.refuse()
    return line.wire.connect


def _killed_and_empty(line):
    line.server.kill()
    line.wire.cut()
    return line.server.start


def _silent(line):
    line.server.pause()
    return line.server.resume


def _slow(line):
    line.wire.delay = 1.3  # longer than anybody waits

    def end():
        line.wire.delay = 0.0

    return end


FAULTS = {
    "refused": _refused,
    "killed and restarted empty": _killed_and_empty,
    "silent in mid-flight": _silent,
    "slow": _slow,
}


def _told(line, name):
    until(lambda: line.status().get("redis") == "away", f"{name}: the status says so", 10)
    assert line.status()["mode"] == "degraded"
    assert line.metric('stillwatch_dependency_up{dependency="redis"}') == 0
    until(lambda: line.metric("stillwatch_gateway_decisions_connected", gateway=True) == 0, name, 10)


def _accounted(line):
    """Every request became an event that was emitted, was dropped and counted, or waits."""
    until(lambda: line.settled()[1] >= line.settled()[0], "every request is accounted for", 15)
    requests, events = line.settled()
    assert requests == events


def test_customers_notice_nothing_of_redis(line):
    """One product through every fault in turn; between them it has to have come back by itself."""
    for name, begin in FAULTS.items():
        with line.traffic() as customers:
            before = customers.more()
            failures = line.counts("extractor").get("redis_failures", 0)
            end = begin(line)
            began = time.monotonic()
            during = customers.more()
            _told(line, name)
            until(lambda began=began: time.monotonic() - began > FAULT_SECONDS, name)
            customers.more()
            end()
            line.recovers(f"Redis {name}")
            until(
                lambda failures=failures: line.counts("extractor").get("redis_failures", 0) > failures,
                f"{name}: counted",
                10,
            )
            print(f"Redis {name}: median {before * 1000:.1f} ms before, {during * 1000:.1f} ms during")
            assert during < TIMES_SLOWER * before + MORE_SECONDS
        _accounted(line)
    assert line.status()["dropped_events"] > 0
    log = line.product.log("gateway").read_text("utf-8")
    assert log.count("\n") < 30, "a dead Redis must not fill the log"
