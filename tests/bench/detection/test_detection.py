"""The composed benchmark: the same for the same seed, blind to labels in its timing, clear when data is missing."""

from __future__ import annotations

import gzip
import json

import pytest

from bench.detection import captures, evaluate, harvests, reference, sources
from bench.detection.compose import account
from bench.detection.dataset import World
from bench.detection.lists import KINDS, Lists
from detectors import fitting, registry
from detectors import reference as references
from detectors.engine import Engine
from detectors.exchange import Message

TEXTS = tuple(f"What is the {n}th word of the book number {n * n}, and why was it put there?" for n in range(60))


@pytest.fixture(scope="module")
def pools() -> sources.Pools:
    """A few made-up texts for every part."""
    turn = (Message("user", TEXTS[0]), Message("assistant", "The word is 'and'."))
    return sources.Pools(
        questions=TEXTS,
        dialogues=(turn,),
        short=TEXTS,
        maths=TEXTS,
        choices=TEXTS,
        code=TEXTS,
        documents=tuple(text * 5 for text in TEXTS),
        pairs=tuple((text, "left", "right") for text in TEXTS),
        judges=(("Judge.", "{question}\n{answer}"),),
        personas=("Be kind.",),
        steps=(turn,),
    )


@pytest.fixture(scope="module")
def lists() -> Lists:
    return Lists({"en": dict.fromkeys(KINDS, (("made", TEXTS),))})


def test_a_reference_is_fitted_from_composed_clients_and_tells_a_harvest(pools, lists) -> None:
    engine = Engine(registry.shipped(), references.empty())
    made = reference.ordinary(World("dev", pools, lists), "t", 60, most=60)
    snapshots, kinds, requests = reference.observe(made, engine)
    fitted = fitting.fit(engine.detectors, snapshots, {"name": "small"})
    assert sum(kinds.values()) == 60
    assert requests >= 60 * 20
    family = "private reasoning"
    harvest = account(family, family, harvests.families(lists)[family], pools, "s", 60)
    seen = evaluate.observe(engine.detectors, [harvest])
    told = evaluate.decide(evaluate.evidence(Engine(registry.shipped(), fitted), seen), seen)
    assert seen.clients["harvest"].all()
    assert told.score.max() > 3.0


@pytest.fixture(scope="module")
def shipped() -> Engine:
    return registry.load()


def test_a_capture_becomes_a_log_that_replay_reads(tmp_path, shipped) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    meta = {"label": "attack", "family": "prompt-list", "grey": True}
    request = {
        "t": 1.5, "method": "POST", "path": "/v1/chat/completions", "query": "", "headers": [["User-Agent", "x"]],
        "account": "acct-1", "status": 200, "prompt_tokens": 5, "resp_tokens": 90, "ttft_s": 0.3, "dur_s": 1.0,
        "body": {"model": "m", "messages": [{"role": "user", "content": "Hello there"}]},
    }  # fmt: skip
    with gzip.open(folder / "attack__one.jsonl.gz", "wt") as out:
        out.write(json.dumps({"meta": meta}) + "\n")
        out.writelines(json.dumps(request | {"t": float(n)}) + "\n" for n in range(30))
    (found,) = captures.run(shipped, tmp_path)
    assert (found.capture, found.harvest, found.grey) == ("attack__one", True, True)
    assert found.result.explanation.requests == 30
    assert found.result.explanation.look == 25


def test_without_the_data_it_says_so_and_ends_with_2(tmp_path, capsys) -> None:
    assert reference.main([]) == 2
    assert "DATA=folder" in capsys.readouterr().err
    assert reference.main(["--data", str(tmp_path)]) == 2
    assert "arena_hard_v01.jsonl.gz" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_ships_comes_from_a_source_with_other_terms() -> None:
    card = json.loads((reference.SHIPPED / "card.json").read_text("utf-8"))
    assert {one["file"] for one in card["sources"]} == {source.file for source in sources.PERMISSIVE}
    for one in card["sources"]:
        assert not any(word in one["licence"] for word in ("NC", "SA", "non-commercial"))
    assert card["clients"] >= 1_500
    assert card["digest"] == references.load(reference.SHIPPED / "ordinary.npz").digest()
