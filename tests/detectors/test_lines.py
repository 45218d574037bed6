"""A request of many prompts: one event says what its lines say, or each line goes on by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import Flag, Kind, Listed
from detectors.exchange import Channel, Dialect, Exchange, Message, Operation, Outcome, Usage
from detectors.features import events, joined, stream, told
from detectors.lines import LOOKED_AT, split
from detectors.listed import build

SYSTEM = Message("system", "Be brief and think step by step.")
BATCH = Exchange(1_764_000_000.0, 3, Dialect.OPENAI, Operation.BATCH, status=200, channel=Channel.BATCH, max_tokens=900)


def upload(*lines: list[Message]) -> Exchange:
    begins = np.cumsum([0, *map(len, lines)])[:-1].tolist()
    messages = tuple(message for line in lines for message in line)
    return replace(BATCH, messages=messages, begins=tuple(begins), prompts=len(lines))


def questions(count: int) -> list[list[Message]]:
    """Lines of one template; the system prompt stands in the first alone."""
    asked = [
        [Message("user", f"Explain in detail how number {place} of the list came to be.")] for place in range(count)
    ]
    return [[SYSTEM, *asked[0]], *asked[1:]]


def test_lines_are_exchanges_of_their_own():
    found = split(upload(*questions(3)), 1)
    assert [[message.role for message in one.messages] for one in found] == [["system", "user"]] * 3
    assert {one.operation for one in found} == {Operation.CHAT}
    assert split(upload(*questions(1)), 1) == []
    assert split(BATCH, 1) == []


def test_which_of_many_lines_are_looked_at_only_the_secret_tells():
    many = upload(*questions(1_000))
    places = [[int(one.messages[-1].text.split()[5]) for one in split(many, seed)] for seed in (1, 1, 2)]
    assert places[0] == places[1] == sorted(set(places[0]))
    assert len(places[0]) == LOOKED_AT
    assert len(set(places[0]) & set(places[2])) < 16
    assert places[0][0] < 150
    assert places[0][-1] > 850


def test_a_line_has_the_system_prompt_before_it_until_an_empty_one():
    brief, kind, none = (Message(role, text) for role, text in (("developer", "A"), ("system", "B"), ("system", "")))
    ask = Message("user", "Why?")
    found = split(upload([brief, ask], [ask], [none, ask], [ask], [kind, brief, ask], [ask], [brief, ask], [none]), 1)
    assert [[message.text for message in one.messages[:-1]] for one in found] == [
        ["A"], ["A"], [], [], ["B", "A"], ["B", "A"], ["A"]
    ]  # fmt: skip
    said = events([upload([SYSTEM, ask], [none, ask], [ask])], seed=1)[0]
    assert Flag.SYSTEM not in Flag(int(said["flags"]))
    assert not said["system"]
    assert not said["elicitation"]


def test_the_event_of_an_upload_has_its_lines_template_and_habits():
    whole = events([upload(*questions(40))], seed=5)[0]
    line = events([Exchange(0.0, 3, Dialect.OPENAI, Operation.CHAT, messages=(SYSTEM, questions(2)[1][0]))], seed=5)[0]
    for name in ("head4", "head12", "tail6", "system", "elicitation", "script"):
        assert whole[name] == line[name] != 0, name
    assert whole["prompts"] == 40
    assert (whole["operation"], whole["channel"], whole["kind"]) == (Operation.BATCH, Channel.BATCH, Kind.NONE)
    assert abs(int(whole["payload_chars"]) - int(line["payload_chars"])) <= 1
    assert whole["in_chars"] > 30 * whole["payload_chars"]
    assert Flag.ELICIT_SYSTEM in Flag(int(whole["flags"]))
    assert Flag.MULTI_TURN not in Flag(int(whole["flags"]))
    assert whole["words"].any()
    assert whole["gist"].all()
    assert not whole["opening"]
    assert np.linalg.norm(whole["topic"].astype(float)) == pytest.approx(127, abs=4)


def test_what_half_of_the_lines_do_the_upload_does():
    turn = [Message("user", "Hi"), Message("assistant", "Ho"), Message("user", "And?")]
    single = [Message("user", "Name a river.")]
    assert Flag.MULTI_TURN in Flag(int(events([upload(turn, turn, single)], seed=1)["flags"][0]))
    assert Flag.MULTI_TURN not in Flag(int(events([upload(turn, single, single)], seed=1)["flags"][0]))
    blank = [Message("user", "<|im_start|>user\n")]
    assert Flag.BLANK_INPUT in Flag(int(events([upload(blank, blank, single)], seed=1)["flags"][0]))


def test_an_upload_is_known_by_all_of_its_lines():
    one, other = questions(5), questions(5)
    other[3] = [Message("user", "Something else.")]
    first, again, changed = events([upload(*one), upload(*one), upload(*other)], seed=1)["payload"]
    assert first == again != changed
    assert first


def test_lists_are_told_by_a_share_of_lines_and_canaries_by_one():
    items = [f"Name the river that flows through the town of {place * 'x'}ton." for place in range(1, 21)]
    index = build({Listed.TRAIN: items[:1], Listed.TEST: items[:10], Listed.CANARY: items[-1:]})
    found = events([upload(*[[Message("user", item)] for item in items])], seed=1, lists=index)
    assert found["listed"][0] == Listed.TEST | Listed.CANARY


def test_a_list_of_prompts_is_told_likewise():
    prompts = tuple(Message("user", f"Once upon a time in the town of {place}") for place in range(4))
    asked = replace(BATCH, operation=Operation.COMPLETION, messages=prompts, begins=(0, 1, 2, 3), prompts=4)
    found = events([asked, replace(asked, completions=("a", "b"))], seed=1)
    assert found["head4"][0] == events([replace(asked, messages=prompts[:1], begins=())], seed=1)["head4"][0]
    assert found["kind"].tolist() == [Kind.NONE, Kind.LABEL]
    assert found["out_chars"].tolist() == [0, 2]


LINES = st.lists(
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=30)), max_size=3),
    max_size=5,
)


@given(st.lists(LINES, max_size=3))
def test_a_batch_gives_what_each_gives_alone(uploads):
    exchanges = [
        upload(*[[Message(role, text) for role, text in line] for line in lines if line]) if any(lines) else BATCH
        for lines in uploads
    ]
    whole = events(exchanges, seed=3)
    assert len(whole) == len(exchanges)
    for place, exchange in enumerate(exchanges):
        assert whole[place].tobytes() == events([exchange], seed=3)[0].tobytes()


def test_each_line_goes_on_in_the_place_of_its_request():
    chat = Exchange(1.0, 9, Dialect.OPENAI, Operation.CHAT, status=200, messages=(Message("user", "Why?"),))
    batch = replace(upload(*questions(40)), user="u", input_tokens=1_003, output_tokens=7, usage=Usage.REPORTED)
    run = [chat, batch, replace(chat, client=8)]
    found = told(run, seed=1)
    out, places = found.stream()
    assert places.tolist() == [0, *[1] * 40, 2]
    assert out[[0, 41]].tobytes() == found.events[[0, 2]].tobytes()
    lines = out[1:41]
    whole = found.events[1]
    for name in ("at", "client", "params", "user", "status", "operation", "channel", "max_tokens"):
        assert (lines[name] == whole[name]).all(), name
    for name in ("prompts", "in_tokens", "out_tokens"):
        assert lines[name].sum() == whole[name], name
    assert len(np.unique(lines["payload"])) == 40
    assert lines["body"][0] == whole["body"]
    assert len(np.unique(lines["head4"])) == len(np.unique(lines["system"])) == 1
    assert (lines["flags"] & np.uint32(Flag.SYSTEM | Flag.USER_ID) == np.uint32(Flag.SYSTEM | Flag.USER_ID)).all()
    assert stream(run, seed=1).tobytes() == out.tobytes()


def test_of_a_large_upload_the_lines_looked_at_count_for_the_others():
    lines = stream([upload(*questions(1_000))], seed=1)
    assert len(lines) == LOOKED_AT
    assert lines["prompts"].sum() == 1_000
    assert set(lines["prompts"].tolist()) == {15, 16}


@pytest.mark.parametrize(
    "changed",
    [{"status": 429, "outcome": Outcome.UPSTREAM_ERROR}, {"status": 400}, {"prompts": 0},
     {"operation": Operation.EMBEDDING}],
)  # fmt: skip
def test_what_brought_no_texts_stays_one_event(changed):
    asked = replace(upload(*questions(9)), **changed)
    assert stream([asked], seed=1).tobytes() == events([asked], seed=1).tobytes()


def test_a_list_s_answers_go_to_their_prompts():
    prompts = tuple(Message("user", f"Once upon a time in the town of {place}") for place in range(3))
    asked = replace(BATCH, operation=Operation.COMPLETION, messages=prompts, begins=(0, 1, 2), prompts=3, choices=2)
    said = ("one", "two", "three of them", "4", "Five is a number. " * 9, "six")
    lines = stream([replace(asked, completions=said)], seed=1)
    assert lines["out_chars"].tolist() == [6, 14, 165]
    assert lines["kind"].tolist() == [Kind.LABEL, Kind.LABEL, Kind.PROSE]
    assert len(np.unique(lines["answer"])) == 3
    some = stream([replace(asked, completions=said[:4])], seed=1)  # whose they are, nobody knows
    assert some["out_chars"].tolist() == [7, 7, 6]
    assert (some["answer"] != 0).tolist() == [True, False, False]


def test_runs_join_with_their_lines():
    chat = Exchange(1.0, 9, Dialect.OPENAI, Operation.CHAT, status=200, messages=(Message("user", "Why?"),))
    run = [upload(*questions(3)), chat, upload(*questions(5))]
    whole = told(run, seed=1).stream()
    parts = joined([told([one], seed=1) for one in run]).stream()
    assert whole[0].tobytes() == parts[0].tobytes()
    assert whole[1].tolist() == parts[1].tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 2]
