"""Made-up sentences: seeded, and cut into tokens that join again."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.sample import prose


@given(st.text(max_size=300))
def test_pieces_join_to_the_text(text):
    assert "".join(prose.pieces(text)) == text


def test_the_same_seed_says_the_same():
    assert prose.paragraph(Random(4), 5) == prose.paragraph(Random(4), 5)
    assert prose.paragraph(Random(4), 5) != prose.paragraph(Random(5), 5)


def test_sentences_hardly_repeat():
    rng = Random(1)
    assert len({prose.sentence(rng) for _ in range(500)}) > 495


def test_reasoning_has_its_steps_and_an_answer():
    text = prose.reasoning(Random(2), 6)
    assert text.count("Step ") == 6
    assert text.rsplit("\n", 1)[1].startswith("The answer is ")
