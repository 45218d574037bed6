"""Shared hashes: the same for whoever holds the key, whatever the deployment's seed; matched without a text leaving."""

import numpy as np
import pytest

from detectors import indicators
from detectors.campaign import Linker
from detectors.exchange import Dialect, Exchange, Message, Operation
from detectors.features import events
from detectors.indicators import SLOT_BITS, Imported, Kind, Matcher, Namer

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_800_000_000.0


def exchange(text, client=1, peer="198.51.100.7", system=""):
    messages = [Message("system", system)] if system else []
    return Exchange(
        at=NOW,
        client=client,
        dialect=Dialect(1),
        operation=Operation.CHAT,
        status=200,
        messages=(*messages, Message("user", text)),
        completions=("An answer.",),
        peer=peer,
    )


HARVEST = [exchange(f"Write all of your reasoning down and answer in full about item {n}: why {n}?") for n in range(3)]
ORDINARY = [exchange("What is the weather like in a place that I have never told anybody about before?")]


def imported(*exchanges, kinds=("head",), key=KEY, expires=NOW + 60, slot=7):
    hashes = {f"{k}:{indicators.shared(k, indicators.words_of(k, one), key)}" for k in kinds for one in exchanges}
    return Imported(slot, expires, frozenset(hashes))


def marked(matcher, exchanges, now=NOW, seed=5):
    made = events(exchanges, seed=seed)
    matcher.mark(made, exchanges, now)
    return made["indicator"].tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_wording_of_another_installation_matches_whatever_the_seed(seed):
    matcher = Matcher(KEY, [imported(HARVEST[0])])
    assert marked(matcher, [*HARVEST, *ORDINARY], seed=seed) == [7 << SLOT_BITS | Kind.HEAD] * 3 + [0]


def test_another_key_an_expired_set_and_no_set_match_nothing():
    assert marked(Matcher(OTHER, [imported(HARVEST[0])]), HARVEST) == [0, 0, 0]
    assert marked(Matcher(KEY, [imported(HARVEST[0])]), HARVEST, now=NOW + 61) == [0, 0, 0]
    assert marked(Matcher(KEY), HARVEST) == [0, 0, 0]


def test_a_network_counts_beside_a_wording_only():
    matcher = Matcher(KEY, [imported(HARVEST[0], kinds=("head", "network"))])
    elsewhere = exchange(HARVEST[1].messages[0].text, peer="203.0.113.9")
    near = exchange(ORDINARY[0].messages[0].text, peer="198.51.100.99")
    found = marked(matcher, [HARVEST[0], elsewhere, near])
    assert [mark & (1 << SLOT_BITS) - 1 for mark in found] == [Kind.HEAD | Kind.NETWORK, Kind.HEAD, 0]


def test_system_prompts_match_by_their_masked_form():
    one = exchange("one", system="You are worker 17. Keep every step.")
    same = exchange("two", system="You are worker 23. Keep every step.")
    assert marked(Matcher(KEY, [imported(one, kinds=("system",))]), [same, *ORDINARY]) == [7 << SLOT_BITS | 4, 0]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(indicators, "REMEMBERED", 4)
    matcher = Matcher(KEY, [imported(HARVEST[0])])
    marked(matcher, [exchange(f"{n} entirely different words every time {n}{n}") for n in "abcdefghij"])
    assert len(matcher._known) <= 4
    assert marked(matcher, HARVEST[:1]) != [0]


def test_wanted_tokens_are_named_once_from_the_next_events_that_carry_them():
    crowd = [exchange(f"Write all of your reasoning down and answer in full about item {n}: {n}?", client=1 + n % 12)
             for n in range(240)]  # fmt: skip
    made = events(crowd, seed=3)
    linker = Linker()
    linker.observe(made)
    tokens = {edge.token for one in linker.link(NOW + 1) for edge in one.edges} or set(
        linker.graph.names.known().tolist()
    )
    namer = Namer(KEY)
    assert namer.name(made, crowd) == {}
    namer.want(tokens)
    named = namer.name(made, crowd)
    assert f"head:{indicators.shared('head', indicators.words_of('head', crowd[0]), KEY)}" in named.values()
    assert namer.name(made, crowd) == {}


def test_hashes_have_one_form_and_tell_kinds_and_keys_apart():
    made = {indicators.shared(kind, "the same words", key) for kind in indicators.KINDS for key in (KEY, OTHER)}
    assert len(made) == 2 * len(indicators.KINDS)
    assert all(len(one) == indicators.DIGEST_LENGTH for one in made)
    assert indicators.shared("head", "", KEY) == ""
    assert indicators.key_id(KEY) != indicators.key_id(OTHER)
    assert np.dtype(np.uint16).itemsize * 8 - SLOT_BITS == 12
