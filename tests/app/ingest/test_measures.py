"""Rates have exact intervals, the area counts ties half, labels are checked line by line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from app.errors import InvalidInput
from app.ingest.measures import Label, area, compare, interval, read_labels


@dataclass
class One:
    client: str
    score: float
    flagged: bool = False
    watched: bool = False
    flagged_at_request: int | None = None


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 20, 0.00127, 0.2487),
        (5, 10, 0.1871, 0.8129),
        (0, 3000, 0, 0.00123),
    ],
)
def test_interval_agrees_with_the_tables(hits, total, low, high):
    assert interval(hits, total) == pytest.approx((low, high), abs=1e-4)


def test_interval_of_nothing_says_nothing():
    assert interval(0, 0) == (0.0, 1.0)


def test_area():
    assert area([2.0, 3.0], [0.0, 1.0]) == 1.0
    assert area([0.0], [1.0]) == 0.0
    assert area([1.0, 1.0], [1.0]) == 0.5
    assert area([], [1.0]) is None
    generator = np.random.default_rng(1)
    positive, negative = generator.integers(0, 6, 40).tolist(), generator.integers(0, 5, 50).tolist()
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert area(positive, negative) == pytest.approx(np.mean(pairs))


def test_compare_puts_the_worst_first():
    labels = {
        "h1": Label(True, "list", "", ""),
        "h2": Label(True, "cot", "", ""),
        "o1": Label(False, "", "judge", ""),
        "o2": Label(False, "", "judge", ""),
        "o3": Label(False, "", "chat", ""),
    }
    clients = [
        One("h1", 9, True, True, 30),
        One("h2", 1),
        One("o1", 8, True, True, 50),
        One("o2", 0),
        One("o3", 0, False, True),
        One("unknown", 5, True, True, 7),
    ]
    found = compare(clients, labels)
    assert (found["labelled"], found["unlabelled"]) == (5, 1)
    assert (found["tpr"]["flagged"], found["tpr"]["clients"], found["tpr"]["rate"]) == (1, 2, 0.5)
    assert (found["fpr"]["flagged"], found["fpr"]["clients"], found["fpr"]["watched"]) == (1, 3, 2)
    assert [one["name"] for one in found["personas"]] == ["judge", "chat"]
    assert [one["name"] for one in found["families"]] == ["cot", "list"]
    assert found["requests_to_flag"] == {"median": 30.0, "p90": 30.0}
    assert found["auc"] == pytest.approx(5 / 6)


def test_compare_without_any_label_is_no_fault():
    found = compare([One("a", 1)], {})
    assert found["auc"] is None
    assert found["tpr"]["clients"] == 0


def test_labels_are_read(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffclient,label,family,persona,campaign\na,1,list,p,c\nb,0\n", "utf-8")
    assert read_labels(path) == {"a": Label(True, "list", "p", "c"), "b": Label(False, "", "", "")}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "first line"),
        ("client,family\na,b\n", "first line"),
        ("client,label\na,2\n", "labels.csv:2"),
        ("client,label\na\n", ":2"),
        ("client,label\na,1\nb,0\na,1\na,0\n", "labels.csv:5: it says otherwise than line 2"),
        ("client,label\n\n\na,1\nb,x\n", "labels.csv:5: the label is 'x'"),
        ('client,label\na,"1\nb,0\n', "labels.csv:2: it is not CSV: close its quotes"),
        ('client,label\na,"1\n' + "b,0\n" * 50_000, "labels.csv:2: .*: close its quotes"),
    ],
)
def test_wrong_labels_are_named(tmp_path, text, problem):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=problem):
        read_labels(path)


def test_missing_labels_are_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"--labels.*none.csv"):
        read_labels(tmp_path / "none.csv")
