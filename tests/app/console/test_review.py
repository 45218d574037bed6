"""History, decisions and blind spots in words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from app.console import review
from app.models.alert_event import AlertEvent
from app.models.base import moment
from app.policies import manual
from app.policies.manual import Order

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def event(kind, actor="ana", **data):
    return SimpleNamespace(at=AT, kind=kind, actor=actor, data=data)


@pytest.mark.parametrize(
    ("step", "what", "actor", "note"),
    [
        (event("opened", "stillwatch", score=12.1, episode=1), "Opened, score 12.1", "", ""),
        (event("claimed"), "Claimed for review", "ana", ""),
        (event("closed", disposition="false_positive", note="n"), "Closed: false positive", "ana", "n"),
        (event("reopened", reason="more came"), "Reopened", "ana", "more came"),
        (
            event("reopened", "stillwatch", reason="escalated", score=14.0, closed_score=11.0, joined=[]),
            "Reopened because it escalated, score 14.0: it was closed at 11.0",
            "",
            "",
        ),
        (
            event("reopened", "stillwatch", reason="escalated", score=14.0, closed_score=11.0, joined=["sampling"]),
            "Reopened because it escalated, score 14.0: sampling joined the evidence",
            "",
            "",
        ),
        (
            event("escalated", "stillwatch", severity="critical", score=15.5),
            "Severity rose to critical, score 15.5",
            "",
            "",
        ),
        (event("cleared", "stillwatch", score=4.0), "Fell below the review threshold, score 4.0", "", ""),
        (event("of_a_later_version"), "Of a later version", "ana", ""),
    ],
)
def test_each_step_of_the_history(step, what, actor, note):
    assert review.entry(step) == review.Entry(AT, what, actor, note)


def decided(**more):
    base = {"action": "throttle", "simulated": True, "revoked_at": None, "revoked_reason": None, "id": "dc_1"}
    base |= {
        "client_id": "cl_1",
        "alert_id": None,
        "campaign_id": None,
        "reason": "why",
        "made_by": "stillwatch",
        "parameters": {},
    }
    base |= {"revoked_by": None, "revoked_note": None, "starts_at": AT, "expires_at": AT + timedelta(hours=4)}
    return SimpleNamespace(**(base | more))


def test_a_simulated_decision_says_what_it_would_do():
    view = review.decision(decided(), AT.timestamp())
    assert (view.headline, view.active) == ("Throttle, simulated", True)
    assert view.detail.startswith("Would slow the client down")
    assert view.expires_at == AT + timedelta(hours=4)


def test_one_in_force_does_not_say_would():
    view = review.decision(decided(simulated=False), AT.timestamp())
    assert view.headline == "Throttle"
    assert (
        view.detail == "Real: slow the client down: what comes too fast is answered with 429. It acts while the mode "
        "is enforce."
    )
    assert view.begins_at is None


@pytest.mark.parametrize(("simulated", "said"), [(False, "slow the client down"), (True, "would slow the client down")])
def test_one_that_is_still_to_begin_says_when(simulated, said):
    start = AT + timedelta(minutes=3)
    view = review.decision(decided(simulated=simulated, starts_at=start), AT.timestamp())
    assert view.detail.startswith(f"Begins 25 Nov 2026 12:03:00 UTC: {said}")
    assert view.begins_at == start
    assert review.decision(decided(simulated=simulated, starts_at=start), start.timestamp()).begins_at is None


def test_who_why_and_how_much_are_said():
    view = review.decision(decided(parameters={"rate_per_minute": 6.0, "burst": 3}), AT.timestamp())
    assert view.why == "why (by policy)"
    assert view.extent == "6 requests a minute, bursts of 3, at each gateway process"
    less = {"max_n": 1, "refuse_logprobs": True, "drop_reasoning": True}
    view = review.decision(decided(action="degrade", parameters=less, made_by="ana"), AT.timestamp())
    assert view.extent == "at most 1 answer to a prompt, no log probabilities, no reasoning"
    assert view.why == "why (ana)"
    gone = decided(revoked_at=AT, revoked_reason="revoked", revoked_by="ben", revoked_note="a mistake")
    assert review.decision(gone, AT.timestamp()).note == "a mistake (ben)"


def test_one_that_has_ended_is_not_shown_as_active():
    late = (AT + timedelta(hours=5)).timestamp()
    assert review.decision(decided(), late).detail == "Ran out, 25 Nov 2026 16:00:00 UTC."
    revoked = review.decision(decided(revoked_at=AT, revoked_reason="closed_benign"), AT.timestamp())
    assert not revoked.active
    assert "closed as benign" in revoked.detail


def test_an_unknown_action_is_named_as_it_is():
    assert review.decision(decided(action="tarpit"), AT.timestamp()).headline == "Tarpit, simulated"


def test_blind_spots():
    def said(**found):
        return review.quality({"data_quality": found, "window": {"start": "2026-11-25T10:00:00.000Z"}})

    assert review.quality({}).unknown
    whole = {"fail_open_seconds": 0.0, "uncounted_seconds": 0.0, "known_until": AT.timestamp()}
    assert said(dropped_events=0, known_since=AT.timestamp() - 7200, **whole).clean
    assert said(dropped_events=None, known_since=AT.timestamp() - 7200, **whole).lines == (
        "Losses before 25 Nov 2026 10:00:00 UTC are not known.",
    )
    assert said(dropped_events=1214, fail_open_seconds=90, known_since=AT.timestamp()).lines == (
        "1,214 events were dropped, of all clients together.",
        "For 90 s requests passed without being watched.",
        "Losses before 25 Nov 2026 12:00:00 UTC are not known.",
    )


def test_a_worker_younger_than_the_hour_but_older_than_the_client_saw_all():
    minutes = [{"start": "2026-11-25T11:59:00Z", "requests": 0}, {"start": "2026-11-25T12:00:00Z", "requests": 9}]
    timing = {"minutes": minutes, "hours": [{"start": "2026-11-25T11:00:00Z", "requests": 9}]}
    document = {"timing": timing, "window": {"start": "2026-11-25T11:00:00Z"}}
    counts = {"dropped_events": 0, "uncounted_seconds": 0, "known_until": AT.timestamp() + 100}
    assert review.quality(document | {"data_quality": counts | {"known_since": AT.timestamp() + 20}}).clean
    lossy = counts | {"known_since": AT.timestamp() + 90, "dropped_events": 7}
    assert len(review.quality(document | {"data_quality": lossy}).lines) == 2
    whole = counts | {"known_since": AT.timestamp() + 90}  # of a first request that came later in its hour
    assert review.quality(document | {"data_quality": whole}).clean


def test_what_was_not_counted_is_never_told_as_no_loss():
    def said(**found):
        return review.quality({"data_quality": {"fail_open_seconds": 0.0} | found})

    since = AT.timestamp() - 7200
    assert said(dropped_events=0.0, known_since=since).lines == (
        "No loss was counted, but an earlier version recorded this and did not notice gaps in the counts.",
    )
    assert said(dropped_events=None, uncounted_seconds=0.0, known_since=None, known_until=None).lines == (
        "Not known: no gateway had told how many events were dropped.",
    )
    found = said(dropped_events=None, uncounted_seconds=300.0, known_since=since, known_until=AT.timestamp())
    assert found.lines == (
        "What was dropped in 5 min of the window is not known: a gateway or extractor told no counts.",
    )


def test_later_counts_correct_what_an_alert_froze():
    counts = {"fail_open_seconds": 0.0, "uncounted_seconds": 0.0, "known_since": AT.timestamp() - 7200}
    frozen = {"data_quality": counts | {"dropped_events": 0.0, "known_until": AT.timestamp()}}
    assert review.quality(frozen, frozen).since == ""
    newest = {"data_quality": counts | {"dropped_events": 969.0, "known_until": AT.timestamp() + 60}}
    assert review.quality(frozen, newest).since == (
        "By the counts of 25 Nov 2026 12:01:00 UTC: 969 events were dropped, of all clients together."
    )
    unknown = {"data_quality": counts | {"dropped_events": None, "known_until": None}}
    assert review.quality(unknown, frozen).since == (
        "By the counts of 25 Nov 2026 12:00:00 UTC: no event was dropped, and no request passed unwatched."
    )


def test_traffic_rows():
    assert review.traffic({"in_tokens": 1200, "models": {"m": 7}, "agents": ["a", "b"], "cost": None}) == [
        ("In tokens", "1,200"),
        ("Models", "m (7)"),
        ("Agents", "a, b"),
    ]
    assert review.traffic(None) == []


def test_a_history_holds_the_decisions_in_the_order_in_which_things_happened():
    now = 1_800_000_000.25
    made = manual.draft(Order("cl_1", "block", 3600.0, "they resell it", simulated=False), "ana", now)
    made.revoked_at, made.revoked_reason = moment(now + 60), "closed_benign"
    made.revoked_by, made.revoked_note = "stillwatch", None
    opened = AlertEvent(at=moment(now - 5), kind="opened", actor="stillwatch", data={})
    claimed = AlertEvent(at=moment(now + 5), kind="claimed", actor="ben", data={})
    told = review.history([opened, claimed], [made])
    assert [(one.at.timestamp() - now, one.what, one.actor) for one in told] == [
        (-5.0, "Opened", ""),
        (0.0, "Decided: Block, real, until 15 Jan 2027 09:00:00 UTC", "ana"),
        (5.0, "Claimed for review", "ben"),
        (60.0, "Block, real: ended when the alert was closed as benign", ""),
    ]
    assert told[1].note == "they resell it"


def test_requests_that_had_come_beside_those_at_which_the_level_was_reached():
    document = {"requests": 25, "traffic": {"requests": 96}}
    assert review.reached(document) == ("The level was reached at 25 requests. 96 had come when this was written down.")
    assert review.reached({"requests": 25, "traffic": {"requests": 25}}) == ""
    assert review.reached({}) == ""
