"""The properties every detector must have, as functions: for our tests and for outside authors.

`checks(detector, cards)` yields (name, function); each function takes nothing and raises AssertionError
with a sentence where the property does not hold::

    for name, check in checks(MyDetector(), Path("docs/detectors")):
        check()
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Detector
from detectors.batch import Batch
from detectors.event import EVENT, Flag, zeros
from detectors.exchange import Dialect, Operation

BUDGET = 1024  # bytes of state that one detector may keep of a client
NOW = 1_764_100_000.0
_TOLERANCE = 1e-4
_SILLY = re.compile(r"(?<![\d.,])(?:0\.0+ |1 (?!%)\w+s\b)|\b(?:nan|inf)\b")  # 0.0 times, 1 requests

Check = Callable[[], None]


def checks(detector: Detector, cards: Path, budget: int = BUDGET) -> Iterator[tuple[str, Check]]:
    """Every check of one detector; `cards` is the folder with its card, `budget` the bytes it may keep."""
    for check in (
        splits_alike, late_and_shuffled_alike, clients_independent, score_pure, empty_silent, terms_agree,
        told_plainly, finite_everywhere, measured, round_trip, merges, ordinary_calibrated, reads_declared,
    ):  # fmt: skip
        yield check.__name__, partial(check, detector)
    yield "within_budget", partial(within_budget, detector, budget)
    yield "has_card", partial(has_card, detector, cards)


def sample(seed: int = 0, clients: int = 24, events: int = 1_500) -> NDArray[np.void]:
    """Made-up events of clients with different habits, in order of time; extremes and retries included."""
    rng = np.random.default_rng(seed)
    out = zeros(events)
    who = rng.integers(0, clients, events)
    habit = rng.random((clients, 8))[who]
    out["client"] = (who + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    out["at"] = NOW - 90_000.0 + np.sort(rng.random(events)) * 80_000.0
    for name in ("body", "payload", "answer", "user"):
        out[name] = np.where(
            rng.random(events) < habit[:, 0], rng.integers(1, 40, events), rng.integers(1, 2**62, events)
        )
    for name in ("head4", "head12", "tail6", "system", "params", "tools", "schema"):
        out[name] = np.where(rng.random(events) < habit[:, 1], 7, rng.integers(0, 30, events))
    for name in ("sketch", "gist", "answer_gist", "words"):
        known = rng.random((events, 8)) < habit[:, 2, None]
        out[name] = np.where(known, rng.integers(1, 200, (events, 8)), rng.integers(1, 2**32, (events, 8)))
    out["topic"] = rng.integers(-127, 128, (events, 24))
    for name in ("opening", "context"):
        out[name] = np.where(rng.random(events) < habit[:, 5], rng.integers(1, 40, events), out["body"])
    for name in ("presented", "issued"):
        out[name] = rng.integers(1, 2**62, events) * (rng.random(events) < habit[:, 7] * 0.3)
    for name, most in (("listed", 8), ("grading", 8), ("kind", 8), ("script", 6), ("foreign", 4), ("moved", 2)):
        out[name] = rng.integers(0, most, events) * (rng.random(events) < habit[:, 4] * 0.5)
    out["synthesis"] = rng.integers(0, 2**8, events) * (rng.random(events) < habit[:, 1] * 0.5)
    out["refusal"] = rng.integers(0, 9, events) * (rng.random(events) < habit[:, 6] * 0.2)
    for name in ("model", "network", "agent"):
        out[name] = rng.integers(1, 4, events)
    for bit, flag in enumerate(Flag):
        out["flags"] |= np.where(rng.random(events) < habit[:, bit % 8] * 0.4, np.uint32(flag), np.uint32(0))
    for name, most in (("in_chars", 9_000), ("payload_chars", 4_000), ("out_chars", 6_000), ("out_tokens", 1_500)):
        out[name] = rng.integers(0, most, events) * (rng.random(events) < 0.95)
    out["choices"] = np.where(rng.random(events) < habit[:, 3] * 0.3, rng.integers(2, 12, events), 1)
    out["top_logprobs"] = np.where(rng.random(events) < habit[:, 4] * 0.3, rng.integers(0, 20, events), -1)
    out["temperature"] = np.where(habit[:, 5] < 0.4, np.nan, np.round(habit[:, 5], 1))
    out["elicitation"] = np.where(rng.random(events) < habit[:, 6] * 0.5, rng.integers(0, 2**13, events), 0)
    out["status"] = np.where(rng.random(events) < 0.05, 429, 200)
    out["operation"] = np.where(rng.random(events) < 0.05, Operation.EMBEDDING, Operation.CHAT)
    out["dialect"] = Dialect.OPENAI
    return out


def fold(detector: Detector, parts: list[NDArray[np.void]]) -> tuple[NDArray[np.uint64], NDArray[np.void]]:
    """All clients of the parts, sorted, and their rows after folding in one part after another."""
    clients = np.unique(np.concatenate([part["client"] for part in parts]))
    rows = np.zeros(len(clients), detector.state)
    for part in parts:
        batch = Batch(part)
        place = np.searchsorted(clients, batch.clients)
        some = rows[place]
        detector.update(some, batch)
        rows[place] = some
    return clients, rows


def splits_alike(detector: Detector) -> None:
    """One batch leaves the same rows as any split of it."""
    events = sample(1)
    _, whole = fold(detector, [events])
    for parts in (7, len(events) // 3):
        _, split = fold(detector, np.array_split(events, parts))
        assert same(whole, split), f"{detector.name}: {parts} batches leave other rows than one"


def late_and_shuffled_alike(detector: Detector) -> None:
    """Events that come late or in another order leave the same rows."""
    events = sample(2)
    _, whole = fold(detector, [events])
    shuffled = events[np.random.default_rng(3).permutation(len(events))]
    _, other = fold(detector, np.array_split(shuffled, 9))
    assert same(whole, other), f"{detector.name}: the order of events changes the rows"


def clients_independent(detector: Detector) -> None:
    """A client's row does not depend on which other clients are there."""
    events = sample(4)
    clients, together = fold(detector, [events])
    chosen = clients[::3]
    _, alone = fold(detector, [events[np.isin(events["client"], chosen)]])
    assert same(together[::3], alone), f"{detector.name}: other clients change a client's row"
    scores = detector.score(together, NOW)
    backwards = detector.score(together[::-1].copy(), NOW)[::-1]
    assert np.allclose(scores, backwards, atol=_TOLERANCE), f"{detector.name}: the order of rows changes scores"


def score_pure(detector: Detector) -> None:
    """Scoring and explaining change nothing and say the same twice."""
    _, rows = fold(detector, [sample(5)])
    before = rows.tobytes()
    first, second = detector.score(rows, NOW), detector.score(rows, NOW)
    detector.explain(rows[0], NOW)
    assert rows.tobytes() == before, f"{detector.name}: scoring changed the rows"
    assert np.array_equal(first, second), f"{detector.name}: two scorings differ"
    assert first.shape == (len(rows),), f"{detector.name}: one score a row is wanted"
    assert first.dtype == np.float32, f"{detector.name}: scores are float32"


def empty_silent(detector: Detector) -> None:
    """A client never seen scores 0."""
    rows = np.zeros(3, detector.state)
    assert (detector.score(rows, NOW) == 0.0).all(), f"{detector.name}: an empty row must score 0"
    detector.explain(rows[0], NOW)


def terms_agree(detector: Detector) -> None:
    """The explanation's shares sum to the score."""
    _, rows = fold(detector, [sample(6, clients=40, events=4_000)])
    for row, score in zip(rows, detector.score(rows, NOW), strict=True):
        terms = detector.explain(row, NOW)
        total = sum(term.share for term in terms)
        assert abs(total - score) < _TOLERANCE * max(1.0, abs(score)), f"{detector.name}: {total} is not {score}"
        assert all(term.sentence.endswith(".") for term in terms), f"{detector.name}: a term's sentence ends in a stop"


def told_plainly(detector: Detector) -> None:
    """No sentence prints a number that says nothing: of clients without, with a single and with few requests."""
    events = sample(10, clients=60, events=240)
    _, alone = fold(detector, [events[:1]])
    _, few = fold(detector, [events])
    for row in (np.zeros(1, detector.state)[0], *alone, *few):
        for term in detector.explain(row, NOW):
            silly = _SILLY.search(term.sentence)
            assert silly is None, f"{detector.name}: {silly and silly[0]!r} is no plain number in {term.sentence!r}"


def finite_everywhere(detector: Detector) -> None:
    """Zeros and extremes give finite scores and explanations."""
    extreme = zeros(64)
    extreme["client"] = 5
    for name in EVENT.names or ():
        kind = EVENT[name]
        if kind.kind in "ui":
            extreme[name] = np.iinfo(kind).max
        elif kind.subdtype is not None:
            extreme[name] = np.iinfo(kind.subdtype[0]).max
    extreme["client"], extreme["at"] = 5, 4e9
    extreme["operation"], extreme["outcome"], extreme["status"] = Operation.CHAT, 0, 200
    extreme["flags"] &= np.uint32(~Flag.RETRY & 0xFFFFFFFF)
    blank = zeros(64)
    blank["client"] = 6
    blank["operation"] = Operation.CHAT
    with np.errstate(all="raise", under="ignore"):
        _, rows = fold(detector, [extreme, blank])
        scores = detector.score(rows, NOW)
        terms = [term for row in rows for term in detector.explain(row, NOW)]
    assert np.isfinite(scores).all(), f"{detector.name}: scores must be finite"
    assert all(np.isfinite([term.value, term.share]).all() for term in terms), f"{detector.name}: terms must be finite"


def measured(detector: Detector) -> None:
    """The numbers for the joint score are those that the explanation tells, row by row, and finite."""
    _, rows = fold(detector, [sample(6)])
    numbers = detector.measure(rows)
    assert numbers.shape == (len(rows), len(detector.measures)), f"{detector.name}: one number a name and row is wanted"
    assert np.isfinite(detector.measure(np.zeros(3, detector.state))).all(), f"{detector.name}: measures must be finite"
    if detector.measures:
        for row, own in zip(rows, numbers.tolist(), strict=True):
            told = {term.feature: term.value for term in detector.explain(row, NOW)}
            for name, value in zip(detector.measures, own, strict=True):
                assert np.isclose(told[name], value, atol=_TOLERANCE), f"{detector.name}: {name} is {told[name]}"


def round_trip(detector: Detector) -> None:
    """Rows come back from their bytes unchanged."""
    _, rows = fold(detector, [sample(7)])
    back = np.frombuffer(rows.tobytes(), detector.state)
    assert not detector.state.hasobject, f"{detector.name}: the state must be plain bytes"
    assert np.array_equal(detector.score(back, NOW), detector.score(rows, NOW)), f"{detector.name}: bytes lose state"


def merges(detector: Detector) -> None:
    """Merging the rows of several clients leaves the row that their events would leave as one client's."""
    events = sample(9)
    _, rows = fold(detector, [events])
    together = events.copy()
    together["client"] = 1
    _, whole = fold(detector, [together])
    before = rows.tobytes()
    one = np.array([detector.merge(rows)], detector.state)
    assert rows.tobytes() == before, f"{detector.name}: merging changed the rows"
    assert same(whole, one), f"{detector.name}: merged rows are not those of the clients as one"
    assert same(rows[:1], np.array([detector.merge(rows[:1])], detector.state)), (
        f"{detector.name}: one row stays itself"
    )
    halves = np.array([detector.merge(rows[::2]), detector.merge(rows[1::2])], detector.state)
    again = np.array([detector.merge(halves)], detector.state)
    assert same(one, again), f"{detector.name}: merging in another order leaves another row"


def ordinary_calibrated(detector: Detector) -> None:
    """Of clients like the reference's, at most a share alpha has p <= alpha, within three standard errors."""
    half = 300
    parts = [sample(seed, clients=30, events=900) for seed in range(100, 100 + 2 * half // 30)]
    scores = np.concatenate([detector.score(fold(detector, [part])[1], NOW) for part in parts])
    held, tried = np.sort(scores[:half]), scores[half:]
    p = (1.0 + half - np.searchsorted(held, tried, side="left")) / (1.0 + half)
    p[tried <= 0.0] = 1.0
    for alpha in (0.01, 0.05, 0.2):
        allowed = alpha + 3.0 * np.sqrt(2.0 * alpha * (1.0 - alpha) / half) + 1.0 / half
        share = float((p <= alpha).mean())
        assert share <= allowed, f"{detector.name}: {share:.3f} of ordinary clients have p <= {alpha}"


def reads_declared(detector: Detector) -> None:
    """Only the fields in `reads` are read, and each is a field."""
    unknown = set(detector.reads) - set(EVENT.names or ())
    assert not unknown, f"{detector.name}: {sorted(unknown)} are no EVENT fields"
    batch = Batch(sample(8))
    detector.update(np.zeros(len(batch.clients), detector.state), batch)
    secret = batch.fields_read - set(detector.reads)
    assert not secret, f"{detector.name}: reads {sorted(secret)} without saying so"


def within_budget(detector: Detector, budget: int) -> None:
    """The state fits its budget."""
    size = detector.state.itemsize
    assert size <= budget, f"{detector.name}: {size} bytes of state, {budget} allowed"


def has_card(detector: Detector, cards: Path) -> None:
    """The detector has a card that says its hypothesis, its blind spots and its cost."""
    card = cards / f"{detector.name}.md"
    assert card.is_file(), f"{detector.name}: {card} is missing"
    text = card.read_text(encoding="utf-8").lower()
    for part in ("hypothesis", "misses", "ordinary twins", "cost", "references"):
        assert part in text, f"{detector.name}: its card says nothing under {part!r}"


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays of records hold the same: integers exactly, floats up to rounding."""
    if one.dtype.names:
        return all(same(one[name], other[name]) for name in one.dtype.names)
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=1e-6, atol=1e-6, equal_nan=True))
    return bool(np.array_equal(one, other))
