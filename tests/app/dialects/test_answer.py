"""What all answers share: last counts win, categories go before none, groups are added up."""

from __future__ import annotations

import pytest

from app.dialects.answer import BaseAnswer
from detectors.exchange import Finish, Refusal, Usage


class Two(BaseAnswer):
    INPUT = (("a", "b"), ("cached",))
    OUTPUT = (("made",),)
    STOP = "why"

    def stop(self, reason, index=0):
        self._finish = Finish(reason)

    def say(self, index, text):
        self._texts.setdefault(index, []).append(text)


def test_the_last_value_of_each_count_wins_and_groups_are_added():
    answer = Two()
    assert not answer.counted
    answer.count({"a": 1, "cached": 10, "made": 3})
    answer.count({"a": 2, "made": 7})
    answer.count({"cached": None, "made": "9", "b": True})
    fields = answer.fields()
    assert answer.counted
    assert (fields["usage"], fields["input_tokens"], fields["output_tokens"]) == (Usage.REPORTED, 12, 7)


def test_no_negative_counts():
    answer = Two()
    answer.count({"a": -5, "made": -1})
    assert (answer.fields()["input_tokens"], answer.fields()["output_tokens"]) == (0, 0)


def test_a_count_of_the_prompt_alone_is_no_report_of_a_text():
    answer = Two()
    answer.count({"b": 4})
    assert answer.fields()["usage"] == Usage.REPORTED
    answer.say(0, "text")
    assert (answer.fields()["usage"], answer.fields()["input_tokens"]) == (Usage.ESTIMATED, 4)


def test_without_counts_there_is_no_usage():
    assert "usage" not in Two().fields()


def test_what_stood_alone_behind_a_gap():
    answer = Two()
    answer.late({"made": 5, "why": 2})
    assert (answer.fields()["output_tokens"], answer.fields()["finish"]) == (5, Finish.LENGTH)


def test_a_category_goes_before_none():
    answer = Two()
    answer.decline(Refusal.UNNAMED)
    answer.decline(Refusal.CYBER)
    answer.decline(Refusal.UNNAMED)
    answer.decline(Refusal.BIO)
    assert (answer.fields()["refusal"], answer.fields()["finish"]) == (Refusal.CYBER, Finish.FILTER)


def test_choices_stand_in_the_order_of_their_index():
    answer = Two()
    answer.say(2, "c")
    answer.say(0, "a")
    answer.say(2, "d")
    assert answer.texts() == ("a", "cd")


def test_a_dialect_must_say_how_it_is_read():
    for call in (lambda: BaseAnswer().add({}), lambda: BaseAnswer().stop("x")):
        with pytest.raises(NotImplementedError):
            call()
