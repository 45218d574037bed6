"""Whether scoring is up to date: never silent when it is not."""

from datetime import UTC, datetime

import pytest

from app.clients.queries import Totals
from app.console import health
from app.models.vocabulary import Mode
from app.policies.mode import Present
from app.store.heartbeat import Heartbeat

NOW = 1_800_000_000.0
REVIEW = (5.2, 9.2)
SOME = Totals(8412, 4.1, datetime.fromtimestamp(NOW - 840, UTC))
NONE = Totals(0, None, None)


def beat(role="worker", at=NOW - 1, counters=None, **gauges):
    return Heartbeat(role, "1", at, NOW - 100, counters=counters or {}, gauges=gauges)


@pytest.mark.parametrize(
    ("beats", "totals", "state"),
    [
        (None, SOME, "down"),
        ([], SOME, "down"),
        ([beat("gateway"), beat("extractor")], SOME, "down"),
        ([beat(at=NOW - 3600)], SOME, "ok"),  # a host whose clock is an hour slow
        ([beat(lag_seconds=300.0)], SOME, "late"),
        ([beat(lag_seconds=300.0), beat(lag_seconds=0.1)], SOME, "late"),
        ([beat(lag_seconds=0.4)], SOME, "ok"),
        ([beat()], NONE, "idle"),
        ([], NONE, "down"),
    ],
)
def test_pulse(beats, totals, state):
    pulse = health.pulse(beats, totals, REVIEW, NOW, "observe")
    assert pulse.state == state
    assert bool(pulse.headline) == (state in ("down", "late"))
    assert (pulse.clients, pulse.thresholds) == (totals.clients, REVIEW)


def test_in_bypass_nothing_is_scored_however_well_everything_runs():
    for totals, old in ((SOME, "Scores are 14 min old."), (NONE, "Nothing was scored so far.")):
        pulse = health.pulse([beat(lag_seconds=0.4)], totals, REVIEW, NOW, "bypass")
        assert (pulse.state, pulse.detail) == ("bypass", old)
        assert pulse.headline.startswith("The mode is bypass")
    assert health.pulse([], SOME, REVIEW, NOW, "bypass").state == "down"


def test_a_worker_that_had_no_time_to_report_is_starting_and_not_stopped():
    pulse = health.pulse([], NONE, REVIEW, NOW, "observe", {"worker"})
    assert (pulse.state, pulse.headline) == ("starting", "Scoring is starting: no worker has reported yet.")
    (worker,) = (item for item in health.problems([], "observe", {"worker"}) if "worker" in item.title)
    assert (worker.kind, worker.title) == ("warn", "Starting: no worker has reported yet.")


def test_a_stopped_scorer_says_how_old_its_scores_are():
    assert health.pulse([], SOME, REVIEW, NOW, "observe").detail == "Scores are 14 min old."
    assert health.pulse([], NONE, REVIEW, NOW, "observe").detail == "Nothing was scored so far."


def test_losses_are_said_beside_a_healthy_pulse():
    beats = [beat(), beat("extractor", counters={"events_dropped": 200.0}), beat("gateway", counters={"dropped": 14.0})]
    pulse = health.pulse(beats, SOME, REVIEW, NOW, "observe")
    assert (pulse.state, pulse.problem) == ("ok", "214 dropped")


def test_problems_name_the_part_and_its_effect():
    assert [item.title for item in health.problems(None, "observe")] == ["Redis does not answer."]
    alive = [beat(role) for role in health.ROLES]
    assert health.problems(alive, "observe") == []
    deaf = [one for one in alive if one.role != "worker"]
    assert [(item.kind, item.title) for item in health.problems(deaf, "observe")] == [("bad", "No worker reports.")]
    assert [item.title for item in health.problems(alive, "bypass")] == ["The mode is bypass."]
    lossy = [*alive, beat("gateway", counters={"handoff_dropped": 3.0})]
    assert [item.title for item in health.problems(lossy, "observe")] == ["3 events or copies were dropped."]
    one = [*alive, beat("gateway", counters={"handoff_dropped": 1.0}), beat(counters={"poison_blocks": 1.0})]
    assert [item.title for item in health.problems(one, "observe")] == [
        "1 event or copy was dropped.",
        "1 block of events was set aside.",
    ]
    poison = [*alive, beat(counters={"poison_blocks": 2.0, "blocks_rejected": 1.0})]
    assert [item.title for item in health.problems(poison, "observe")] == ["3 blocks of events were set aside."]
    cut_off = Heartbeat("worker", "w1", NOW, NOW, info={"database": "away"})
    [problem] = health.problems([*alive, cut_off], "observe")
    assert problem.title == "Worker w1: the database is away."
    assert "disk has room" in problem.detail
    dumb = Heartbeat("extractor", "x1", NOW, NOW, info={"redis": "away"})
    [problem] = health.problems([*alive, dumb], "observe")
    assert problem.title == "Extractor x1: Redis is away."
    assert "Look whether it runs" in problem.detail


def test_exchanges_that_our_own_faults_cost_are_told():
    alive = [beat(role) for role in health.ROLES]
    broken = beat("extractor", counters={"features_failed": 2.0, "parse_failed_parser": 1.0, "parse_failed_cut": 9.0})
    [problem] = health.problems([*alive, broken], "observe")
    assert problem.title == "3 exchanges could not be worked out."
    assert "log" in problem.detail


def test_a_model_api_that_is_away_is_a_warning():
    alive = [beat(role) for role in health.ROLES]
    minute = {"minute_asked": 1240.0, "minute_failed": 1240.0}
    (away,) = health.problems([*alive, beat("gateway", minute_unreached=1240.0, **minute)], "observe")
    assert (away.kind, away.title) == ("warn", "The model API does not answer.")
    assert away.detail.startswith("1,240 of 1,240 requests failed in the last minute.")
    assert "UPSTREAM" in away.detail
    (broken,) = health.problems([*alive, beat("gateway", minute_unreached=0.0, **minute)], "observe")
    assert broken.title == "The model API answers with errors."
    assert "UPSTREAM" not in broken.detail


def test_a_linker_that_is_gone_or_behind_is_a_warning():
    alive = [beat(role) for role in health.ROLES if role != "linker"]
    (gone,) = health.problems(alive, "observe")
    assert (gone.kind, gone.title) == ("warn", "No linker reports.")
    assert "no new campaign" in gone.detail
    linked = [*alive, beat("linker")]
    counters = {"events": 10_000_000.0, "linking_left_out": 9_800_000.0}
    now = Heartbeat("worker", "w1", NOW, NOW, counters=counters, info={"linking": "leaves events out"})
    (rising,) = health.problems([*linked, now], "observe")
    assert (rising.kind, rising.title) == ("warn", "Events are left out of linking.")
    assert rising.detail.startswith("9,800,000 so far")
    (past,) = health.problems([*linked, beat(counters=counters)], "observe")
    assert (past.kind, past.title) == ("warn", "9,800,000 events were left out of linking.")


def test_the_mode_and_who_has_not_taken_it_up():
    present = Present(Mode.ENFORCE, 3, "", "ana", datetime.fromtimestamp(NOW - 60, UTC))
    gateways = [beat("gateway", counters={"mode_version": version}) for version in (3.0, 2.0)]
    assert [item.title for item in health.late(gateways, present, NOW)] == [
        "Gateway 1 has not taken up the mode enforce."
    ]
    assert health.late(gateways, present, NOW - 55) == []
    tile = health.tiles([], present, "sqlite", None)[0]
    assert (tile.title, tile.value) == ("Mode", "Enforce")
    assert tile.detail.endswith("by ana")
    assert health.tiles([], Present(Mode.BYPASS, 0), "sqlite", None)[0].detail.endswith("as STILLWATCH_MODE says")


def test_scored_counts_events_and_nothing_else():
    beats = [beat(counters={"events": 7.0, "events_misplaced": 5.0}), beat("extractor", counters={"events": 3.0})]
    assert health.scored(beats) == 7


def test_a_process_shows_its_numbers_with_units():
    numbers = dict(health.process(beat(counters={"events": 12431.0}, lag_seconds=0.4)).numbers)
    assert numbers["events"] == "12,431"
    assert numbers["lag seconds"] == "400 ms"


async def test_redis_away_is_an_answer_not_an_error(console, private_valkey):
    private_valkey.start()
    from app.store.redis import connect_async

    redis = connect_async(private_valkey.url)
    try:
        assert await health.heartbeats(redis) == []
        assert await health.ping(redis) is not None
        private_valkey.kill()
        assert await health.heartbeats(redis) is None
        assert await health.ping(redis) is None
    finally:
        await redis.aclose()


def test_a_reference_that_no_longer_fits_is_told_once_with_the_remedy():
    moved = {"drift": "the kinds of use have shifted: fit a reference with stillwatch fit"}
    beats = [
        beat("gateway"),
        beat("extractor"),
        *(Heartbeat("worker", name, NOW, NOW, info=moved) for name in ("w1", "w2")),
    ]
    (told,) = health.drifted(beats)
    assert "moved away from the reference" in told.title
    assert told.detail == "The kinds of use have shifted: fit a reference with stillwatch fit."
    assert told in health.problems(beats, "observe")
    (broken,) = health.drifted([Heartbeat("worker", "w1", NOW, NOW, info={"reference": "own.npz is not a reference"})])
    assert "the old one stays" in broken.title
    assert health.drifted([beat()]) == []


def test_nothing_is_counted_as_none_while_redis_is_away():
    present = Present(Mode.OBSERVE, 0)
    away = {tile.title: (tile.value, tile.detail) for tile in health.tiles(None, present, "sqlite", None)}
    for title in ("Scoring lag", "Dropped", "Events scored"):
        assert away[title] == ("–", "not known while Redis does not answer")
    beats = [beat(counters={"events": 12.0}), beat("extractor")]
    here = {tile.title: (tile.value, tile.detail) for tile in health.tiles(beats, present, "sqlite", 0.2)}
    assert here["Dropped"] == ("–", "not known until a gateway and an extractor report")
    assert here["Events scored"][0] == "12"
    here = {tile.title: tile.value for tile in health.tiles([*beats, beat("gateway")], present, "sqlite", 0.2)}
    assert here["Dropped"] == "0"


def test_a_moment_is_told_as_one():
    assert dict(health.process(beat("linker", last_pass=NOW)).numbers)["last pass"] == "15 Jan 2027 08:00:00 UTC"
