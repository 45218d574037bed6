"""The local table: what applies to a client now, whatever is said twice, and whatever the clocks do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.store.decisions import Decision
from app.store.table import LATEST_START, Table


def decision(number=1, client=7, start=10.0, end=20.0, revoked=False, **more):
    return Decision(f"d{number}", client, "block", True, start, end, revoked, **more)


def active(table, client, now, ticks):
    return [held.decision.id for held in table.active(client, now, ticks)]


def test_a_decision_applies_from_its_start_until_its_expiry():
    table = Table()
    table.apply(decision(), 0, 100)
    assert [bool(active(table, 7, now, 100 + now)) for now in (9.9, 10, 19.9, 20)] == [False, True, True, False]
    assert active(table, 8, 15, 115) == []


def test_the_last_word_on_an_id_holds_but_what_was_revoked_never_comes_back():
    table = Table()
    table.apply(decision(1), 0, 0)
    table.apply(decision(2), 0, 0)
    table.apply(decision(1, client=8), 0, 0)
    assert (active(table, 7, 15, 15), active(table, 8, 15, 15)) == (["d2"], ["d1"])
    table.apply(decision(1, client=8, revoked=True), 0, 0)
    table.apply(decision(1, client=8), 0, 0)
    assert (active(table, 8, 15, 15), len(table), list(table.by_client)) == ([], 1, [7])


def test_saying_the_same_again_changes_nothing():
    table = Table()
    table.apply(decision(), 0, 0)
    (held,) = table.active(7, 12, 12)
    held.memo = "kept"
    table.apply(decision(), 5, 3)  # by a clock that was stepped meanwhile
    assert table.active(7, 12, 12) == [held]
    table.apply(decision(parameters={"burst": 2}), 0, 0)
    assert table.active(7, 12, 12)[0].memo is None


def test_what_has_ended_is_not_taken_and_swept_away():
    table = Table()
    table.apply(decision(1), 20, 0)
    assert len(table) == 0
    table.apply(decision(2), 0, 0)
    table.apply(decision(3, revoked=True), 0, 0)
    table.sweep(19)
    assert table.ids() == ["d2"]
    table.sweep(20)
    assert (len(table), table._ended) == (0, {})
    table.forget("d2")


def test_a_clock_set_back_prolongs_nothing_and_one_set_forward_ends_by_the_new_time():
    table = Table()
    table.apply(decision(start=1000.0, end=1600.0), 1000, 50)
    assert active(table, 7, 1000 - 7200, 649) == ["d1"]  # two hours back: still the ten minutes that were meant
    assert active(table, 7, 1000 - 7200, 650) == []
    assert active(table, 7, 1000 + 7200, 60) == []
    assert active(table, 7, 1020, 70) == ["d1"]  # set right again


def test_a_clock_that_was_wrong_when_it_was_heard_cannot_make_it_last():
    table = Table()
    table.apply(decision(start=100_000.0, end=100_600.0), 1000, 0)  # more than a day behind
    assert active(table, 7, 100_010, LATEST_START + 599) == ["d1"]
    assert active(table, 7, 1000, LATEST_START + 600) == []


@given(
    st.floats(0, 3600),
    st.floats(60, 90 * 86400),
    st.floats(-10 * 86400, 10 * 86400),
    st.lists(st.tuples(st.floats(0, 40 * 86400), st.floats(-10 * 86400, 10 * 86400)), max_size=20),
)
def test_no_clock_makes_a_decision_outlive_itself(delay, lasts, wrong_by, looks):
    """At any wall clock, it never applies past its own expiry by that clock, nor longer than it was meant to."""
    heard = 1_800_000_000.0
    made = decision(start=heard + delay, end=heard + delay + lasts)
    table = Table()
    table.apply(made, heard + wrong_by, 0.0)
    for ticks, step in looks:
        now = heard + ticks + step
        if active(table, 7, now, ticks):
            assert now < made.expires_at
            assert ticks < LATEST_START + lasts
        if wrong_by == step == 0 and delay <= ticks < delay + lasts - 1e-3:
            assert active(table, 7, now, ticks + 1e-6)
