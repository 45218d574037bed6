"""The core in this process: what people said reaches it and can be taken back; it outlives a restart."""

from collections import Counter

import numpy as np
import pytest

from app.campaigns.identity import Constraints
from app.campaigns.indicators import Published
from app.errors import LeaseLost
from app.linker.core import Core, mark, restore, save
from app.linker.desk import Said
from detectors.base import Level
from detectors.campaign.tells import Kind
from detectors.indicators import SLOT_BITS

NOW = 1_800_000_100.0


def said(organisations=None, constraints=None, bans=None):
    return Said(organisations or {}, constraints or Constraints(), bans or {}, Published(()))


@pytest.fixture
def core(crowd):
    made = Core()
    made.observe(crowd())
    return made


def test_a_sharded_harvest_is_told_with_members_edges_and_what_is_left(core):
    (one,) = core.link(NOW)
    assert (sorted(one.members), one.level) == (list(range(1, 13)), Level.REVIEW)
    assert all(member.requests == 24 for member in one.members.values())
    assert any(set(edge.holders) == set(range(1, 13)) for edge in one.edges)
    assert one.evidence["without"]["kind"]
    assert one.evidence["terms"]
    assert not core.fresh


def test_a_split_is_obeyed_and_a_lifted_one_forgotten(core):
    (whole,) = core.link(NOW)
    apart = Constraints(cannot=((frozenset(range(4, 13)), frozenset({1, 2, 3})),))
    core.tell(said(constraints=apart))
    assert core.fresh
    assert not any({1, 4} <= set(one.members) for one in core.link(NOW + 1))
    core.tell(said())
    assert [sorted(one.members) for one in core.link(NOW + 2)] == [sorted(whole.members)]


def test_one_companys_keys_are_not_linked(core):
    core.link(NOW)
    core.tell(said(organisations=dict.fromkeys(range(1, 13), "Acme")))
    assert not any(one.level >= Level.REVIEW for one in core.link(NOW + 1))


def test_saying_the_same_again_is_no_news(core):
    core.tell(said(bans={1: NOW}))
    core.link(NOW)
    core.tell(said(bans={1: NOW}))
    assert not core.fresh


def test_marked_events_are_counted_by_client_and_set(crowd):
    events = crowd()
    events["indicator"][events["client"] == 3] = 7 << 4 | 1
    core = Core()
    core.observe(events)
    (one,) = core.take_matched()
    assert (one.slot, one.client, one.count, one.kinds) == (7, 3, 24, 1)
    assert core.take_matched() == []
    core.observe(events[events["client"] == 3][:1])
    core.put_back([one])
    assert [again.count for again in core.take_matched()] == [25]


def test_a_campaign_shows_the_imported_set_that_its_members_matched(crowd):
    events = crowd()
    events["indicator"][events["client"] < 13] = 7 << SLOT_BITS | 1
    core = Core()
    core.observe(events)
    (one,) = core.link(NOW)
    (edge,) = [edge for edge in one.edges if edge.kind == "an imported indicator"]
    assert (set(edge.holders), edge.members) == (set(range(1, 13)), 12)


@pytest.mark.parametrize("other", [7, 8])
def test_matches_tie_those_who_match_one_imported_set(crowd, other):
    events = crowd()
    for client, slot in ((1001, 7), (1002, 7), (1003, other)):
        events["indicator"][np.flatnonzero(events["client"] == client)[:1]] = slot << SLOT_BITS | 1
    core = Core()
    core.observe(events)
    graph = core.linker.graph
    tied = graph.edges[graph.tokens["kind"][graph.edges["token"]] == Kind.INDICATOR]
    holders = set(graph.clients.known()[tied["account"]].tolist())
    assert holders == ({1001, 1002, 1003} if other == 7 else {1001, 1002})


def test_lists_are_news_once_and_taken_back(core):
    core.link(NOW)
    core.lists({"train": 9})
    assert (core.fresh, core.linker.lists) == (True, {"train": 9})
    core.link(NOW)
    core.lists({"train": 9})
    assert not core.fresh
    core.lists({})
    assert (core.fresh, core.linker.lists) == (True, {})


def test_a_restart_takes_up_where_it_stopped(core, tmp_path, crowd):
    (before,) = core.link(NOW)
    written = save(core.linker, b"17-3", tmp_path / "state", lambda: True)
    assert written == mark(tmp_path / "state")
    again, offset = restore(tmp_path / "state", Counter())
    assert offset == b"17-3"
    again.observe(crowd(seed=2))
    (after,) = again.link(NOW + 60)
    assert (after.key, sorted(after.members)) == (before.key, sorted(before.members))


@pytest.mark.parametrize("text", [b"", b"\x04\0\0\0abcdnothing", b"\xff" * 40])
def test_a_torn_file_is_counted_and_it_starts_anew(tmp_path, text):
    path, counts = tmp_path / "state", Counter()
    path.write_bytes(text)
    core, offset = restore(path, counts)
    assert (offset, counts["snapshots_unreadable"]) == (b"", 1)
    assert core.link(NOW) == []
    assert restore(tmp_path / "none", counts)[1] == b""


def test_a_snapshot_is_not_replaced_by_who_is_no_longer_the_linker(tmp_path):
    path = tmp_path / "linker.state"
    assert mark(path) is None
    newer = save(Core().linker, b"17-3", path, lambda: True)
    with pytest.raises(LeaseLost):
        save(Core().linker, b"5-0", path, lambda: False)
    assert mark(path) == newer
    assert not path.with_suffix(".draft").exists()
    assert save(Core().linker, b"17-3", path, lambda: True) != newer


def test_whoever_takes_over_replaces_a_snapshot_after_the_one_before_has(tmp_path):
    path, refused = tmp_path / "linker.state", []

    def ours():
        """Between this look and the new file a process may stand still."""
        try:
            save(Core().linker, b"9-0", path, lambda: True)
        except BlockingIOError as error:
            refused.append(error)
        return True

    save(Core().linker, b"5-0", path, ours)
    assert len(refused) == 1
    save(Core().linker, b"9-0", path, lambda: True)
    assert restore(path, Counter())[1] == b"9-0"
