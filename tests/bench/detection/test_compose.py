"""One composed client: the same for the same seed, blind to labels in time and headers, with answers like answers."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench.detection import compose, frames, harvests, jobs, lists, local, personas, pipelines, profile, sources
from bench.detection.compose import CLIP, Ask, account
from detectors import twins
from detectors.batch import Batch
from detectors.engine import WINDOW
from detectors.event import Flag
from detectors.exchange import Dialect, Message, Operation, Usage

ROOT = Path(compose.__file__).parent
SCRIPTS = [script for script, _ in personas.WEIGHTS]


@pytest.fixture(scope="module")
def pools() -> sources.Pools:
    """The made-up texts of the test split, in every language."""
    return sources.pools(None, "test")


@pytest.fixture(scope="module")
def harvesters() -> dict:
    return harvests.families(lists.read(None, "test"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_every_persona_makes_counted_requests_inside_one_window(pools, script) -> None:
    made = account(script.__name__, "", script, pools, "s", 40, personas.kinds_of(script))
    lines = script is jobs.nightly_batch  # an upload goes on as its lines
    assert len(made.events) > 200 if lines else len(made.events) == 40
    assert (made.events["status"] == 200).sum() >= 30
    assert (made.events["payload"] != 0).all()
    assert (np.diff(made.events["at"]) >= 0).all()
    assert not made.harvested.any()
    window = (made.events["at"] + made.client % int(WINDOW)) // WINDOW
    assert len(np.unique(window)) == 1


@pytest.mark.parametrize(
    "name",
    ["crew", "report", "map_reduce", "memory_chat", "rag_metrics", "graph_index", "guarded", "front_end", "evidence"],
)
def test_a_pipeline_sends_what_the_model_said_and_harvests_nothing(pools, name) -> None:
    maker = compose.Maker(Random("s"), pools, profile.draw(Random("p"), pools), compose.ALONE)
    asks = list(islice(getattr(pipelines, name)(maker), 40))
    said = [ask.answer for ask in asks if ask.answer and len(ask.answer) > 40]
    sent = ["\n".join(message.text for message in ask.messages) for ask in asks]
    back = sum(any(answer[-300:] in text or answer[:300] in text for text in sent) for answer in said)
    assert back > len(said) / 8
    assert not any(ask.harvest for ask in asks)


def test_lengths_of_answers_spread_by_the_client_and_not_by_the_label(pools) -> None:
    drawn = [profile.draw(Random(f"{number}"), pools).uneven for number in range(400)]
    assert 0.5 <= min(drawn) < 0.8 < 2.0 < max(drawn) <= 3.0
    one = profile.draw(Random("p"), pools)
    far = [
        abs(np.log(compose.Maker(Random("s"), pools, replace(one, uneven=by), compose.ALONE).length(500.0) / 500.0))
        for by in (0.5, 3.0)
    ]
    assert far[1] == pytest.approx(6.0 * far[0])


def test_the_same_seed_makes_the_same_events_and_another_does_not(pools) -> None:
    one, same, other = (account("w", "", jobs.writer, pools, seed, 30).events for seed in ("a", "a", "b"))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_times_networks_and_programs_do_not_know_the_label(pools, harvesters) -> None:
    ordinary = account("x", "", jobs.studio, pools, "s", 30).events
    harvest = account("x", "prompt list", harvesters["prompt list, bare"], pools, "s", 30).events
    assert ordinary["at"].tolist() == harvest["at"].tolist()
    for name in ("agent", "model", "dialect", "ja4"):
        assert set(ordinary[name].tolist()) == set(harvest[name].tolist())


def test_harvests_ask_for_what_their_names_say(pools, harvesters) -> None:
    english = replace(pools, others={})
    made = {
        one.name: account(one.name, one.family, harvesters[one.name], english, "s3", 30, dialects=one.dialects).events
        for one in harvests.VARIANTS
    }
    uploads = made.pop("prompt list, batches")  # each goes on as its lines
    assert len(uploads) > 200
    assert all(len(events) == 30 for events in made.values())
    assert (made["log probabilities"]["top_logprobs"] >= 5).all()
    assert (made["private reasoning"]["elicitation"] != 0).mean() > 0.9
    assert len(np.unique(made["temperature sweep"]["params"])) >= 3
    assert len(np.unique(made["prompt list, bare"]["payload"])) >= 28
    assert (made["blank prompts"]["flags"] & int(Flag.BLANK_INPUT) != 0).sum() >= 10
    assert set(made["embeddings"]["operation"].tolist()) == {int(Operation.EMBEDDING)}
    assert 0.5 < (made["trajectories"]["tool_calls"] > 0).mean() < 1.0


def test_loops_send_back_what_was_answered(pools, harvesters) -> None:
    for name in ("evolve", "self-instruct", "traces cleaned"):
        events = account(name, name, harvesters[name], pools, "loop", 40).events
        answered = {value for gist in events["answer_gist"].tolist() for value in gist if value}
        sent = [[value for value in gist if value in answered] for gist in events["gist"].tolist()]
        back = sum(len(found) >= 2 for found in sent)
        assert back >= 5, name
    plain = account("p", "", harvesters["prompt list, bare"], pools, "loop", 40).events
    answered = {value for gist in plain["answer_gist"].tolist() for value in gist if value}
    assert sum(sum(value in answered for value in gist) >= 2 for gist in plain["gist"].tolist()) <= 2


def test_samples_that_a_dialect_lacks_become_repeats(pools) -> None:
    def script(m):
        for text in m.walk(m.pools.questions):
            yield Ask((Message("user", text),), 50, {"choices": 3, "top_logprobs": 5}, "prose", harvest=True)

    for number in range(40):
        made = account("n", "f", script, pools, f"d{number}", 6)
        if made.events["dialect"][0] == Dialect.ANTHROPIC and len(np.unique(made.events["payload"])) == 2:
            break
    else:
        pytest.fail("no Anthropic client among forty")
    assert set(made.events["choices"].tolist()) == {1}
    assert set(made.events["top_logprobs"].tolist()) == {-1}
    assert made.harvested.all()


def test_nobody_sees_what_a_batch_is_answered(pools) -> None:
    """As at the gateway: a batch is answered by files that are fetched later."""
    made = account("b", "", jobs.nightly_batch, pools, "batch", 4, personas.kinds_of(jobs.nightly_batch))
    assert (made.events["usage"][made.events["status"] == 200] == Usage.ABSENT).all()
    assert twins.measures(Batch(made.events)).unknown.all()
    judge = account("j", "", jobs.judge, pools, "judge", 20, personas.kinds_of(jobs.judge))
    assert (judge.events["usage"][judge.events["status"] == 200] == Usage.REPORTED).all()


def test_one_message_is_no_longer_than_the_clip(pools) -> None:
    def script(m):
        while True:
            yield Ask((Message("user", "word " * 4_000),), 10)

    made = account("n", "", script, pools, "clip", 5)
    assert made.events["payload_chars"].max() <= CLIP + 1


def test_the_splits_use_different_frames(pools) -> None:
    development = sources.pools(None, "dev")
    heads = []
    for some in (development, pools):
        found = {
            int(value)
            for number in range(12)
            for value in account("t", "", personas.tutor, some, f"h{number}", 3).events["system"]
        }
        heads.append(found - {0})
    assert heads[0]
    assert heads[1]
    assert not heads[0] & heads[1]


def test_headers_have_the_shares_they_are_given(pools) -> None:
    drawn = [profile.draw(Random(f"{number}"), pools) for number in range(2_000)]
    for dialect, share, _ in profile.PROGRAMS:
        assert abs(np.mean([one.dialect == dialect for one in drawn]) - share) < 0.04
    assert 0.57 < np.mean([one.language == "en" for one in drawn]) < 0.67
    assert 0.13 < np.mean([one.language == "zh" for one in drawn]) < 0.21


def test_translated_frames_have_the_same_places_and_exist_in_the_scripts() -> None:
    named = [frame for group in vars(frames).values() if isinstance(group, tuple) for frame in group]
    code = "".join((ROOT / f"{name}.py").read_text("utf-8") for name in ("jobs", "personas", "talk"))
    for english, others in local.known().items():
        written = repr(english)[1:-1].replace("\\\\", "\\")
        assert english in named or written in code or json.dumps(english)[1:-1] in code, english
        for text in others.values():
            assert text.count("{}") == english.count("{}")
            assert text.count("{{}}") == english.count("{{}}")
            text.format("a", "b", "c")
