"""Lists without end."""

from random import Random

import pytest

from app.sample import questions


@pytest.mark.parametrize("draw", [questions.problem, questions.task])
def test_a_long_list_hardly_repeats(draw):
    rng = Random(3)
    found = [draw(rng) for _ in range(2000)]
    assert len(set(found)) > 1900
    assert not [text for text in found if "{" in text or "}" in text]


@pytest.mark.parametrize("draw", [questions.chat, questions.follow_up])
def test_people_do_repeat(draw):
    rng = Random(3)
    found = {draw(rng) for _ in range(2000)}
    assert 100 < len(found) < 2000
    assert not [text for text in found if "{" in text]
