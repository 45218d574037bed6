"""Words and shingles of many texts: alike for texts that are alike, whatever the script, and exact samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.grams import BINS, DIMENSIONS, KEPT, gists, measure, shingles, similarity
from detectors.text import normalise
from detectors.tokens import NUMERIC, PAIRED, SINGLE, TOPICAL, tokenise

ANY = st.text(alphabet=st.characters(), max_size=300)
MIXED = [
    "a b c d e",
    "",
    "水は高いところから低いところへ",
    "x",
    "one two",
    "naïve café text",
    "a b c d e",
    "привет мир",
]


def words_of(*numbers: int, stem: str = "word") -> str:
    letters = "abcdefghij"
    return " ".join(stem + "".join(letters[int(digit)] for digit in str(number)) for number in numbers)


def known(row: np.ndarray) -> set[int]:
    return {int(value) for value in row} - {0}


def test_sketches_of_alike_texts_are_alike():
    base = " ".join(f"word{number}" for number in range(200))
    near = base.replace("word100", "changed")
    far = " ".join(f"other{number}" for number in range(200))
    one, close, distant = measure([base, near, far], 1).sketch
    assert similarity(one, close) >= 0.7
    assert similarity(one, distant) <= 0.15


def test_similarity_estimates_jaccard():
    """Over many pairs the share of equal bins is the share of common shingles."""
    estimates = []
    for number in range(60):
        shared = [f"s{number}x{k}" for k in range(100)]
        one = " ".join(shared + [f"a{number}x{k}" for k in range(50)])
        other = " ".join(shared + [f"b{number}x{k}" for k in range(50)])
        estimates.append(float(similarity(*measure([one, other], number).sketch)))
    assert np.mean(estimates) == pytest.approx(98 / 198, abs=0.08)


def test_nothing_depends_on_what_is_beside_it():
    together = measure(MIXED, 9)
    for place, one in enumerate(MIXED):
        for alone, all_ in zip(measure([one], 9), together, strict=True):
            assert (alone[0] == all_[place]).all()
    assert (gists(MIXED, 9) == together.gist).all()
    assert not together.sketch[1].any()
    assert not together.topic[1].any()
    assert together.sketch[3].any()
    many = measure(MIXED * 3000, 9)  # more than one group
    for all_, one in zip(many, together, strict=True):
        assert (all_.reshape(3000, len(MIXED), -1) == one).all()


def test_scripts_without_spaces_have_words_and_everything_is_keyed():
    text = "今天天气很好我们去公园散步吧朋友们" * 2
    one, near = measure([text, text + "好"], 1).sketch
    assert similarity(one, near) >= 0.6
    for name in ("sketch", "gist", "words", "topic"):
        plain = words_of(*range(60))
        assert (getattr(measure([plain], 1), name) != getattr(measure([plain], 2), name)).any(), name
    assert measure([], 1).sketch.shape == (0, BINS)
    assert gists([], 1).shape == (0, KEPT)


def test_a_gist_is_the_least_of_all_shingles_and_ascends():
    text = words_of(*range(400))
    gist = measure([text], 5).gist[0].tolist()
    assert gist == sorted(set(gist))
    assert len(gist) == KEPT
    parts = [set(measure([words_of(*range(start, start + 4))], 5).gist[0].tolist()) for start in range(397)]
    assert gist == sorted(set().union(*parts) - {0})[:KEPT]


def test_a_text_that_repeats_itself_has_few_hashes():
    assert len(known(measure(["alpha beta gamma delta " * 200], 3).gist[0])) == 4
    assert len(known(measure(["alpha " * 1000], 3).gist[0])) == 1
    assert not measure(["alpha beta gamma"], 3).gist.any()  # fewer than four words


@pytest.mark.parametrize(
    "unit",
    [
        "the rain in {} falls mostly on the plain of {} ",
        "在{}的雨水大多落在{}的平原上面",
        "дождь в {} идёт на равнине {} ",
    ],
)
def test_an_answer_that_comes_back_shows_in_any_script(unit):
    """Sent back whole between two lines of a template, most of an answer's sample is in the prompt's."""
    names = ["alder", "birch", "水杉", "ясень", "maple", "rowan", "松树", "дуб"]
    answer = "".join(unit.format(one, other) for one in names for other in reversed(names))
    prompt = f"improve this text: {answer} thank you"
    other = "".join(unit.format(one + "x", other + "y") for one in names for other in names[:2])
    own, back, far = gists([answer, prompt, words_of(*range(300)) + other[:4]], 1)
    assert len(known(own) & known(back)) >= 6
    assert not known(own) & known(far)


def test_words_are_a_fixed_eighth_of_the_vocabulary():
    texts = [words_of(*range(start, start + 20)) for start in range(0, 4000, 20)]
    found = measure(texts, 7).words
    distinct = len(set(found.ravel().tolist()) - {0})
    assert distinct == pytest.approx(4000 / 8, rel=0.2)
    again = measure([" ".join(reversed(text.split())) for text in texts], 7).words
    assert (np.sort(found, axis=1) == np.sort(again, axis=1)).all()


def test_numbers_are_no_vocabulary():
    texts = [f"order {number} is late by {number % 7} days" for number in range(500)]
    assert len(set(measure(texts, 7).words.ravel().tolist()) - {0}) <= 4


def test_a_prompt_of_token_ids_has_the_ids_for_words():
    texts = [" ".join(str(number) for number in range(start, start + 20)) for start in range(0, 4000, 20)]
    found = measure(texts, 7)
    assert len(set(found.words.ravel().tolist()) - {0}) == pytest.approx(4000 / 8, rel=0.2)
    assert found.topic.any(axis=1).all()


def test_a_chinese_vocabulary_grows_by_pairs_of_signs():
    signs = [chr(0x4E00 + number) for number in range(60)]
    texts = [one + other for one in signs for other in signs]
    distinct = len(set(measure(texts, 7).words.ravel().tolist()) - {0})
    assert distinct == pytest.approx(3600 / 8, rel=0.2)


def test_topics_of_one_subject_are_nearer_than_of_two():
    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return float(one.astype(float) @ other.astype(float)) / 127**2

    rng = np.random.default_rng(1)
    near, far = [], []
    for seed in range(40):
        one, other = rng.integers(0, 100, (2, 60)), rng.integers(1000, 1100, 60)
        topics = measure([words_of(*one[0]), words_of(*one[1]), words_of(*other)], seed).topic
        near.append(cosine(topics[0], topics[1]))
        far.append(cosine(topics[0], topics[2]))
    assert np.mean(near) > 0.3
    assert abs(np.mean(far)) < 0.12
    assert np.abs(np.linalg.norm(measure([words_of(1, 2, 3)], 1).topic[0].astype(float)) - 127) < 4


def test_short_words_are_no_topic_where_there_are_long_ones():
    one, other, short = measure(["the pancreas of a dog", "in pancreas by the dog or", "to be or not"], 1).topic
    assert (one == other).all()
    assert short.any()


@given(st.lists(ANY, max_size=5))
def test_any_texts_are_taken_alone_as_together(raw):
    normal = [normalise(one) for one in raw]
    found = measure(normal, 3)
    assert found.sketch.shape == (len(raw), BINS)
    assert found.topic.shape == (len(raw), DIMENSIONS)
    assert (gists(normal, 3) == found.gist).all()
    for place, one in enumerate(normal):
        assert all(
            (alone[0] == together[place]).all() for alone, together in zip(measure([one], 3), found, strict=True)
        )


LOW = 2**32 - 1
PIECES = ["alpha", "beta", "of", "7", "42nd", "水", "天气", "ก", "๑", "𠀀", "привет", " ", " ", ", "]
WORDY = st.one_of(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), ANY)


def mix(value: int, seed: int) -> int:
    value ^= seed
    value = (value ^ value >> 31) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 29) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 32


def least(hashes: list[int]) -> list[int]:
    kept = sorted({max(value & LOW, 1) for value in hashes})[:KEPT]
    return kept + [0] * (KEPT - len(kept))


class Plainly:
    """The samples of one text, worked out token by token in whole numbers."""

    def __init__(self, text: str, seed: int) -> None:
        found = tokenise([text])
        self.hashes, self.marks, self.seed = found.hashes.tolist(), found.marks.tolist(), seed

    def run(self, place: int, factors: list[int]) -> int:
        """A run of tokens as one number, of what there is of it."""
        return sum(one * factor for one, factor in zip(self.hashes[place:], factors, strict=False)) % 2**64

    def shingles(self) -> list[int]:
        four = [3, 0x5851F42D4C957F2D, 0xD1342543DE82EF95, 0x2545F4914F6CDD1D]
        found = []
        for place, mark in enumerate(self.marks):
            if place + (6 if mark & SINGLE else 4) <= len(self.marks):
                value = self.run(place, four)
                value += self.run(place + 2, four) * 0x9FB21C651E98DF25 if mark & SINGLE else 0
                found.append(mix(value % 2**64, self.seed))
        return found

    def sketch(self) -> list[int]:
        three = [3, 0x5851F42D4C957F2D, 0xD1342543DE82EF95]
        bins: dict[int, int] = {}
        for place in range(max(len(self.marks) - 2, min(len(self.marks), 1))):
            value = mix(self.run(place, three), self.seed)
            bins[value >> 61] = min(bins.get(value >> 61, LOW), value & LOW)
        if not bins:
            return [0] * BINS
        near = [next(step for step in range(BINS) if (slot + step) % BINS in bins) for slot in range(BINS)]
        return [(bins[(slot + step) % BINS] + step * 0x9E3779B9) & LOW for slot, step in enumerate(near)]

    def units(self) -> list[tuple[int, bool]]:
        worded = any(not mark & NUMERIC for mark in self.marks)
        found = []
        for place, mark in enumerate(self.marks):
            behind = place and self.marks[place - 1] & PAIRED
            if (worded and mark & NUMERIC) or (behind and not mark & PAIRED):
                continue
            value = self.run(place, [3, 0x5851F42D4C957F2D]) if mark & PAIRED else self.hashes[place]
            found.append((mix(value, self.seed), bool(mark & TOPICAL)))
        return found

    def topic(self) -> list[int]:
        units = self.units()
        telling = any(topical for _, topical in units)
        words = [value for value, topical in units if topical or not telling]
        signs = [sum(1 if value >> 32 + bit & 1 else -1 for value in words) for bit in range(DIMENSIONS)]
        length = float(np.sqrt(float(max(sum(one * one for one in signs), 1))))
        return [int(np.rint(one * (127.0 / length))) for one in signs]


@given(st.lists(WORDY, max_size=4), st.integers(0, 2**64 - 1))
def test_the_loops_work_out_what_whole_numbers_do(raw, seed):
    texts = [normalise(one) for one in raw]
    found = measure(texts, seed)
    for place, text in enumerate(texts):
        plainly = Plainly(text, seed)
        assert found.sketch[place].tolist() == plainly.sketch()
        assert found.gist[place].tolist() == least(plainly.shingles())
        assert found.words[place].tolist() == least([value for value, _ in plainly.units() if value >> 61 == 0])
        assert found.topic[place].tolist() == plainly.topic()
        assert shingles(text, seed).tolist() == sorted({max(value & LOW, 1) for value in plainly.shingles()})


def test_values_stay_what_they_were():
    """Rows of long-lived clients hold these values: another loop must not make others."""
    found = measure(["the quick brown fox jumps over the lazy dog", "今天天气很好我们去公园"], 12345)
    assert found.sketch[0].tolist() == [
        1126651349,
        3947085821,
        2899293161,
        244857392,
        1885388919,
        2164376157,
        3262572072,
        608136303,
    ]
    assert found.gist[1].tolist() == [103800355, 1424565079, 2108922199, 2444945290, 4216517633, 4216708683, 0, 0]
    assert found.words[0].tolist() == [0, 0, 0, 0, 0, 0, 0, 0]
    assert found.topic[1].tolist() == [
        22,
        45,
        0,
        22,
        22,
        22,
        -45,
        0,
        45,
        0,
        0,
        -22,
        0,
        0,
        -45,
        0,
        -45,
        0,
        -22,
        22,
        0,
        -45,
        -22,
        0,
    ]
