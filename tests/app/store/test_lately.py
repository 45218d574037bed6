"""A model API that is away is told by the last minute's requests, not by all since the gateway began."""

from __future__ import annotations

import pytest

from app.store.heartbeat import Heartbeat
from app.store.lately import ASKED, FAILED, UNREACHED, Lately, failing, reasons


def counters(ok=0, error=0, timeout=0, unreached=0, **others):
    return {
        "requests_ok": ok,
        "requests_upstream_error": error,
        "requests_timeout": timeout,
        "upstream_failed": unreached,
        **others,
    }


def gateway(asked, failed, unreached):
    return Heartbeat("gateway", "g-1", 0.0, 0.0, gauges={ASKED: asked, FAILED: failed, UNREACHED: unreached})


def test_a_minute_is_counted_and_what_was_before_it_is_not():
    lately = Lately()
    assert lately.gauges() == {}
    lately.hear(counters(ok=1000, error=7), 500.0)
    assert lately.gauges() == {ASKED: 0, FAILED: 0, UNREACHED: 0}
    for second in range(1, 41):  # one request a second fails
        lately.hear(counters(ok=1000, error=7 + second, unreached=second), 500.0 + second)
    assert lately.gauges() == {ASKED: 40, FAILED: 40, UNREACHED: 40}
    for second in range(41, 121):  # and then each is answered
        lately.hear(counters(ok=1000 + second - 40, error=47, unreached=40), 500.0 + second)
    assert lately.gauges() == {ASKED: 60, FAILED: 0, UNREACHED: 0}


def test_refused_and_aborted_requests_say_nothing_of_the_model_api():
    lately = Lately()
    lately.hear(counters(), 0.0)
    lately.hear(counters(ok=2, timeout=3, requests_rejected=50, requests_client_aborted=9), 1.0)
    assert lately.gauges() == {ASKED: 5, FAILED: 3, UNREACHED: 0}


@pytest.mark.parametrize(
    ("beats", "said"),
    [
        ([], []),
        ([gateway(40, 40, 41)], ["the model API does not answer: 40 of 40 requests failed in a minute"]),
        ([gateway(40, 36, 36)], ["the model API does not answer: 36 of 40 requests failed in a minute"]),
        ([gateway(40, 35, 35)], []),
        ([gateway(4, 4, 4)], []),
        ([gateway(3, 3, 3), gateway(3, 3, 3)], ["the model API does not answer: 6 of 6 requests failed in a minute"]),
        ([gateway(40, 40, 0)], ["the model API answers with errors: 40 of 40 requests failed in a minute"]),
        ([Heartbeat("gateway", "g-1", 0.0, 0.0)], []),  # another version's, which does not say
    ],
)
def test_nearly_all_of_enough_requests(beats, said):
    assert reasons(beats) == said
    assert (failing(beats) is None) == (said == [])
