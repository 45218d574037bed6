"""Items of the operator's lists are found wherever a template puts them, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import Listed
from detectors.exchange import Dialect, Exchange, Message, Operation
from detectors.features import events
from detectors.grams import measure
from detectors.listed import SIZES, Index, ListsError, build, load
from detectors.text import normalise

TRAIN = [
    "Name three rivers that flow into the Black Sea.",
    "What is the capital of France",
    "Explain to a child why the sky is blue, why it is red in the evening, and why the sea looks green in a storm.",
    "请解释为什么天空是蓝色的，用一个简单的例子说明。",
    "Почему небо голубое и как это объяснить ребёнку?",
    " ".join(f"word{number}" for number in range(300)),
    "too short",
]
TEST = ["Natalia sold clips to 48 of her friends in April, and then she sold half as many.", TRAIN[0]]
CANARY = ["The heron of Alder lake counts its seven silver spoons."]
INDEX = build({Listed.TRAIN: TRAIN, Listed.TEST: TEST, Listed.CANARY: CANARY})


def look(*texts: str, index: Index = INDEX) -> list[int]:
    return measure([normalise(text) for text in texts], 1, index.look).listed.tolist()


@pytest.mark.parametrize(
    "template",
    [
        "{}",
        "Question: {}\nAnswer:",
        "Below is an instruction.\n\n### Instruction:\n{}\n\n### Response:",
        "{}\n\nThink step by step.",
        'Improve the prompt "{}" please.',
        "<task>{}</task>",
        "Q: What is two and two?\nA: Four\n\nQ: {}\nA:",
        "  {}  ",
        "请回答：{}\n谢谢",
    ],
)
@pytest.mark.parametrize("item", [*TRAIN[:-1], *TEST, *CANARY], ids=lambda item: item[:12])
def test_an_item_is_found_in_any_template(template, item):
    if template.endswith(("step.", "谢谢")) and item == TRAIN[1]:
        pytest.skip("nothing says where it ends")
    wanted = (item in TRAIN) * Listed.TRAIN | (item in TEST) * Listed.TEST | (item in CANARY) * Listed.CANARY
    assert look(template.format(item)) == [int(wanted)]


@pytest.mark.parametrize("change", [str.upper, lambda text: text.replace(" ", "  \n"), lambda text: text.strip(".?")])
def test_letter_case_spaces_and_the_last_mark_do_not_matter(change):
    for item in TRAIN[:3]:
        assert look(change(item)) == look(item) != [0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is the capital of France and how many people live there?",
        "What is the capital of Spain?",
        "Name three rivers that flow into the Red Sea.",
        "too short",
        "Explain to a child why the sky is blue.",
        "请解释为什么草是绿色的，用一个简单的例子说明。",
        "word1 word2 word3 word4 word5 word6 word7 word8",
    ],
)
def test_what_is_on_no_list_is_not_found(text):
    assert look(text) == [0]


def test_the_beginning_of_a_long_item_is_enough():
    words = TRAIN[5].split()
    assert look(" ".join(words[: SIZES[-1]])) == [Listed.TRAIN]
    assert look(" ".join([*words[:200], "changed", *words[201:]])) == [Listed.TRAIN]
    assert look(" ".join(words[: SIZES[-1] - 1])) == [0]


def test_a_batch_gives_what_each_gives_alone():
    texts = [*TRAIN, *TEST, "nothing here", "", *CANARY] * 30
    assert look(*texts) == [look(text)[0] for text in texts]


def test_an_index_survives_its_file(tmp_path):
    path = tmp_path / "lists"
    INDEX.save(path)
    again = load(path)
    assert len(again) == len(INDEX) == len({*TRAIN, *TEST, *CANARY}) - 1
    assert look(*TRAIN, index=again) == look(*TRAIN)
    assert [one.name for one in tmp_path.iterdir()] == ["lists"]


def test_a_bad_file_is_named(tmp_path):
    path = tmp_path / "lists"
    for raw in (b"", b"no index", b"PK\x03\x04" + b"x" * 40, b"PK\x05\x06" + b"\0" * 18):
        path.write_bytes(raw)
        with pytest.raises(ListsError, match="lists is no index"):
            load(path)
    with path.open("wb") as file:
        np.savez(file, format=np.array("other"))
    with pytest.raises(ListsError, match="another format"):
        load(path)
    with path.open("wb") as file:
        np.savez(
            file, format=np.array("stillwatch-lists-1"), items=INDEX.items[::-1], bits=INDEX.bits, starts=INDEX.starts
        )
    with pytest.raises(ListsError, match="do not fit"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


def test_empty_lists_hold_nothing():
    assert look(*TRAIN, index=build({})) == [0] * len(TRAIN)
    assert look(*TRAIN, index=build({Listed.TRAIN: ["", "a"]})) == [0] * len(TRAIN)


def test_an_event_says_it():
    exchange = Exchange(1.0, 2, Dialect.OPENAI, Operation.CHAT, messages=(Message("user", f"Please: {TRAIN[0]}"),))
    assert events([exchange], seed=1, lists=INDEX)["listed"][0] == Listed.TRAIN | Listed.TEST
    assert events([exchange], seed=1)["listed"][0] == 0


WORDS = st.lists(st.sampled_from(["red", "blue", "sea", "水", "sky", "7", "why", "é"]), min_size=5, max_size=80)


@given(item=WORDS, before=WORDS, after=WORDS)
def test_any_item_is_found_between_lines(item, before, after):
    index = build({Listed.CANARY: [" ".join(item)]})
    if len(index):
        assert look(f"{' '.join(before)}:\n{' '.join(item)}.\n{' '.join(after)}", index=index) == [Listed.CANARY]


@given(st.lists(st.text(alphabet=st.characters(), max_size=200), max_size=5))
def test_any_texts_are_taken(texts):
    index = build({Listed.TRAIN: texts})
    assert len(look(*texts, index=index)) == len(texts)
