"""No alert from one kind of evidence; levels are sticky; sentences are true."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import fuse, reference
from detectors.base import Counterfactual, Evidence, Level, Term
from detectors.calibrate import CAP
from detectors.reference import LOOKS

FAMILIES = ("content", "content", "surface", "rhythm")
NAN = float("nan")


@pytest.fixture
def ref() -> reference.Reference:
    flat = np.ones(len(LOOKS), np.float32)
    return dataclasses.replace(reference.empty(), watch=6.0 * flat, review=10.0 * flat)


def level(
    ref, p: list[float], look: int = 3, previous: Level = Level.NONE, floor: float = 1e-6, wire: bool = False
) -> Level:
    touched = np.zeros((1, len(p)), np.bool_)
    touched[0, 0] = wire
    fused = fuse.fuse(np.array([p]), np.full((1, len(p)), floor), FAMILIES, touched)
    return Level(int(fuse.levels(ref, fused, np.array([look]), np.array([previous], np.uint8))[0]))


def test_two_strong_kinds_are_reviewed(ref) -> None:
    assert level(ref, [0.002, 1, 0.002, 1]) == Level.REVIEW


def test_one_kind_is_watched_however_strong(ref) -> None:
    assert level(ref, [1e-9, 1e-9, 1, 1]) == Level.WATCH
    assert level(ref, [1, 1, 1e-9, 1]) == Level.WATCH


def test_two_detectors_of_one_kind_count_once(ref) -> None:
    one = fuse.fuse(np.array([[0.001, 1, 1, 1]]), np.zeros((1, 4)), FAMILIES)
    two = fuse.fuse(np.array([[0.001, 0.001, 1, 1]]), np.zeros((1, 4)), FAMILIES)
    assert one.score.tolist() == two.score.tolist()


def test_without_a_leading_kind_nothing_is_reviewed(ref) -> None:
    assert level(ref, [1, 1, 1e-4, 1e-4]) == Level.WATCH


def test_rhythm_alone_is_nothing(ref) -> None:
    assert level(ref, [1, 1, 1, 1e-9]) == Level.NONE


def test_a_kind_that_hardly_speaks_does_not_complete_a_review(ref) -> None:
    assert level(ref, [1e-6, 1, 0.31, 1]) == Level.WATCH
    assert level(ref, [1e-6, 1, 0.29, 1]) == Level.REVIEW


def test_two_kinds_of_which_none_is_notable_are_no_review(ref) -> None:
    low = dataclasses.replace(ref, review=np.full(len(LOOKS), 4.0, np.float32))
    assert level(low, [0.06, 1, 0.06, 1]) < Level.REVIEW
    assert level(low, [0.04, 1, 0.06, 1]) == Level.REVIEW


@pytest.mark.parametrize(
    ("learned", "nats", "expected"),
    [
        ([0.01, 0.01, 1, 1], 10.5, Level.REVIEW),
        ([0.01, 0.01, 1, 1], 9.5, Level.WATCH),  # the threshold is the joint score's all the same
        ([0.01, 0.011, 1, 1], 10.5, Level.WATCH),  # a kind that is not rare
        ([0.001, 1, 0.001, 1], 10.5, Level.WATCH),  # rhythm counts for nothing
        ([1, 0.001, 1, 0.001], 10.5, Level.REVIEW),  # coordination leads as well
    ],
)
def test_two_kinds_that_the_joint_scores_own_trees_set_apart_are_reviewed(ref, learned, nats, expected) -> None:
    fused = fuse.fuse(np.array([[1, 1, 0.9, 1]]), np.zeros((1, 4)), FAMILIES)
    fused = fuse.joined(fused, np.array([nats]), np.array([learned]))
    assert fuse.levels(ref, fused, np.array([3]), np.zeros(1, np.uint8)).tolist() == [expected]


def test_kinds_that_were_set_apart_are_held_while_they_nearly_are(ref) -> None:
    fused = fuse.fuse(np.array([[1, 1, 0.9, 1]]), np.zeros((1, 4)), FAMILIES)
    fused = fuse.joined(fused, np.array([8.0]), np.array([[0.029, 0.029, 1.0, 1.0]]))
    for previous, expected in ((Level.NONE, Level.WATCH), (Level.REVIEW, Level.REVIEW)):
        assert fuse.levels(ref, fused, np.array([3]), np.array([previous], np.uint8)).tolist() == [expected]


def test_what_is_taken_of_some_clients_is_theirs(ref) -> None:
    fused = fuse.joined(fuse.fuse(np.full((3, 4), 0.5), np.zeros((3, 4)), FAMILIES), np.arange(3.0), np.eye(3, 4))
    taken = fused.take(np.array([2, 0]))
    assert taken.score.tolist() == [2.0, 0.0]
    assert taken.learned.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]


def test_rhythm_does_not_complete_a_review(ref) -> None:
    assert level(ref, [1e-6, 1, 1, 1e-6]) == Level.WATCH


def test_a_joint_score_takes_the_place_of_the_sum(ref) -> None:
    fused = fuse.fuse(np.array([[0.009, 1, 0.04, 1]]), np.zeros((1, 4)), FAMILIES)
    for nats, expected in ((11.0, Level.REVIEW), (9.0, Level.WATCH), (1.0, Level.NONE)):
        joined = fuse.joined(fused, np.array([nats]))
        assert fuse.levels(ref, joined, np.array([3]), np.zeros(1, np.uint8)).tolist() == [expected]


def test_a_touched_tripwire_is_a_review_by_itself_and_scores_well_over_the_threshold(ref) -> None:
    assert level(ref, [1, 1, 1, 1], wire=True) == Level.REVIEW
    assert level(ref, [1, 1, 1, 1], look=0, wire=True) == Level.REVIEW
    fused = fuse.fuse(np.ones((2, 4)), np.ones((2, 4)), FAMILIES, np.array([[True] + [False] * 3, [False] * 4]))
    assert fuse.told(ref, fused).tolist() == [10.0 + fuse.TRIP_NATS, 0.0]


def test_the_sum_must_pass_the_threshold(ref) -> None:
    assert level(ref, [0.02, 1, 0.02, 1]) == Level.WATCH


@pytest.mark.parametrize(
    ("p", "nats", "expected"),
    [
        ([0.018, 1, 0.018, 1], 4.7, Level.REVIEW),
        ([0.018, 1, 0.018, 1], 4.5, Level.NONE),  # the joint score knows it as an ordinary client
        ([0.019, 1, 0.019, 1], 4.7, Level.NONE),  # not rare enough together
        ([0.0001, 1, 0.04, 1], 4.7, Level.NONE),  # one of them is not rare by itself
        ([1, 1, 0.0001, 0.0001], 4.7, Level.NONE),  # rhythm counts for nothing, and none leads
    ],
)
def test_two_kinds_that_agree_are_not_talked_away_by_the_joint_score(ref, p, nats, expected) -> None:
    fused = fuse.joined(fuse.fuse(np.array([p]), np.zeros((1, 4)), FAMILIES), np.array([nats]))
    assert fuse.levels(ref, fused, np.array([3]), np.zeros(1, np.uint8)).tolist() == [expected]
    assert fuse.told(ref, fused).tolist() == [pytest.approx(10.0 if expected == Level.REVIEW else nats)]
    assert fuse.agreed_score(ref) == 10.0


def test_two_kinds_that_agreed_are_held_while_they_nearly_do(ref) -> None:
    fused = fuse.joined(fuse.fuse(np.array([[0.04, 1, 0.04, 1]]), np.zeros((1, 4)), FAMILIES), np.array([1.6]))
    for previous, expected in ((Level.NONE, Level.NONE), (Level.REVIEW, Level.REVIEW)):
        assert fuse.levels(ref, fused, np.array([3]), np.array([previous], np.uint8)).tolist() == [expected]


def test_a_score_above_every_ordinary_client_is_watched_below_the_threshold_too(ref) -> None:
    assert level(ref, [1, 0.004, 1, 1], floor=0.004) == Level.WATCH
    assert level(ref, [1, 0.004, 1, 1], floor=0.003) == Level.NONE
    assert level(ref, [1, 1, 1, 0.004], floor=0.004) == Level.NONE
    assert level(ref, [0.5, 1, 1, 1], floor=0.5) == Level.NONE  # nothing can be resolved with so few clients


@pytest.mark.parametrize(("nats", "expected"), [(2.9, Level.NONE), (3.1, Level.WATCH)])
def test_a_family_beyond_every_client_is_not_watched_where_the_joint_score_calls_it_ordinary(
    ref, nats, expected
) -> None:
    fused = fuse.fuse(np.array([[1, 0.004, 1, 1]]), np.full((1, 4), 0.004), FAMILIES)
    fused = fuse.joined(fused, np.array([nats]))
    assert fuse.levels(ref, fused, np.array([3]), np.zeros(1, np.uint8)).tolist() == [expected]


def test_a_level_is_kept_a_little_below_its_threshold(ref) -> None:
    weaker = [0.02, 1, 0.02, 1]  # 7.8 nats
    assert level(ref, weaker) == Level.WATCH
    assert level(ref, weaker, previous=Level.REVIEW) == Level.REVIEW
    assert level(ref, [0.1, 1, 0.1, 1], previous=Level.REVIEW) == Level.WATCH
    assert level(ref, [0.4, 1, 0.4, 1], previous=Level.REVIEW) == Level.NONE
    assert level(ref, [0.01, 1, 1, 1]) == Level.NONE
    assert level(ref, [0.01, 1, 1, 1], previous=Level.WATCH) == Level.WATCH


def test_one_detector_that_is_certain_speaks_for_a_family_that_drowns_it() -> None:
    p = np.array([[0.002, 0.9, 0.4, 0.03, 1.0]])
    families = ("content", "content", "surface", "surface", "rhythm")
    alone = fuse.single(p, families)
    assert alone[0].tolist() == pytest.approx([0.004, 0.06, 1.0, 1.0])
    whole = np.array([[0.2, 0.05, 1.0, 1.0]])
    fused = fuse.combine(whole, np.zeros((1, 4)), None, alone)
    assert fused.p[0].tolist() == pytest.approx([0.004, 0.05, 1.0, 1.0])
    assert fused.score.tolist() == fuse.combine(whole, np.zeros((1, 4))).score.tolist()


def test_a_family_is_capped() -> None:
    fused = fuse.fuse(np.full((1, 4), 1e-300), np.zeros((1, 4)), FAMILIES)
    assert fused.nats.max() == CAP
    assert fused.score[0] == pytest.approx((2.0 + fuse.RHYTHM) * CAP)


def evidence(family: str, p: float, *terms: Term) -> Evidence:
    return Evidence("d", 1, family, 1.0, p, 1.0, terms)  # type: ignore[arg-type]


def term(feature: str, share: float, value: float = 1.0, sentence: str = "It does a thing.") -> Term:
    return Term(feature, value, "share", NAN, NAN, NAN, share, sentence)


def test_the_sentence_joins_the_strongest_statements_and_their_rate() -> None:
    text = fuse.sentence(
        [
            evidence("content", 0.004, term("a", 1.0, sentence="It asks for reasoning."), term("b", 0.1)),
            evidence("surface", 0.002, term("c", 1.0, sentence="It asks for 8 answers.")),
            evidence("content", 0.03, term("d", 1.0, sentence="It is dull.")),
        ],
        100,
    )
    assert text == (
        "It asks for 8 answers, and it asks for reasoning; "
        "each with what belongs to it, at most 1 in 250 ordinary clients of its kind goes that far in any one of these."
    )


def test_the_second_kind_is_told_with_how_common_it_is() -> None:
    text = fuse.sentence(
        [
            evidence("content", 0.002, term("a", 1.0, sentence="It asks for reasoning.")),
            evidence("surface", 0.04, term("c", 1.0, sentence="It never comes back.")),
            evidence("rhythm", 0.4, term("d", 1.0, sentence="It is dull.")),
        ],
        100,
    )
    assert text == (
        "It asks for reasoning, and it never comes back; each with what belongs to it, at most 1 in 500 ordinary "
        "clients of its kind goes that far in the first of these, and 1 in 25 in the last."
    )


def test_a_tripwire_is_called_what_it_is() -> None:
    wire = evidence("content", 1.0, term("a", 1.0, sentence="It presented reasoning that others were given."))
    assert fuse.sentence([wire], 3, [wire]) == (
        "It presented reasoning that others were given: no ordinary use is known to do that, so it is reviewed at once."
    )
    assert fuse.sentence([wire], 3, [wire]).endswith(fuse.AT_ONCE)
    assert not fuse.sentence([wire], 3).endswith(fuse.AT_ONCE)


def test_a_weaker_statement_is_made_where_there_is_no_rare_one() -> None:
    text = fuse.sentence([evidence("content", 0.04, term("a", 1.0, sentence="It asks for reasoning."))], 100)
    assert text == (
        "It asks for reasoning; with what belongs to it, at most 1 in 25 ordinary clients of its kind goes that far."
    )


def test_where_nothing_speaks_the_sentence_says_so() -> None:
    assert "Nothing in the 1,200 requests compared" in fuse.sentence([evidence("content", 0.4, term("a", 1.0))], 1_200)


def test_pace_and_volume_are_told_only_beside_something_else() -> None:
    quick = evidence("rhythm", 0.002, term("q", 1.0, sentence="Its busiest day took much."))
    broad = evidence("content", 0.004, term("a", 1.0, sentence="Each prompt brings new words."))
    assert "Nothing in the 100 requests compared" in fuse.sentence(
        [quick, evidence("content", 0.4, term("a", 1.0))], 100
    )
    assert fuse.sentence([quick, broad], 100).startswith(
        "Its busiest day took much, and each prompt brings new words; each with what belongs to it, at most 1 in 250"
    )


def test_where_only_all_of_it_together_is_rare_the_sentence_says_that() -> None:
    quiet = [evidence("content", 0.4, term("a", 1.0)), evidence("rhythm", 0.01, term("q", 1.0))]
    assert fuse.sentence(quiet, 100, (), 6.0) == (
        "Nothing that it does is rare by itself; all of it together is that of 1 in 403 ordinary clients."
    )


def test_what_all_of_it_rests_on_is_told_with_what_would_be_left() -> None:
    def rest(aspect: str, nats: float) -> Counterfactual:
        return Counterfactual(aspect, "shape", "answer_size", 2_031.0, "chars", 431.0, "", nats)

    several = (rest("the amount of text that it takes", 4.0), rest("its requests for grades", 2.5))
    assert fuse.sentence((), 100, (), 6.0, (), several) == (
        "Nothing that it does is rare by itself; all of it together is that of 1 in 403 ordinary clients; with the "
        "amount of text that it takes and its requests for grades as usual it would be that of 1 in 12 ordinary "
        "clients."
    )
    assert fuse.sentence((), 100, (), 6.0, (), (*several[:1], rest("its temperature", 0.2))).endswith(
        "with the amount of text that it takes and its temperature as usual it would be that of most ordinary clients."
    )
    assert "as usual" not in fuse.sentence((), 100)
    assert fuse.ordinary_clients(float(np.log(1203))) == "1 in 1,203 ordinary clients"  # its exponential is less


def test_what_is_rarer_together_than_by_itself_is_said_to_be() -> None:
    told = [evidence("content", 0.04, term("a", 1.0, sentence="It asks for reasoning."))]
    assert fuse.sentence(told, 100, (), 6.0) == (
        "It asks for reasoning; with what belongs to it, at most 1 in 25 ordinary clients of its kind goes that far; "
        "all of it together is that of 1 in 403 ordinary clients."
    )
    assert "together" not in fuse.sentence(told, 100, (), 3.0)


def test_the_two_kinds_that_make_a_review_are_said_to_be_rare_where_both_are() -> None:
    quiet = [evidence("content", 0.4, term("a", 1.0))]
    assert fuse.sentence(quiet, 100, (), 7.0, (0.005, 0.01, 1.0, 1.0)) == (
        "Nothing that it does is rare by itself; what it asks and takes is that of 1 in 200 ordinary clients, "
        "the form in which it does so is that of 1 in 100, and all of it together is that of 1 in 1,096."
    )
    same = fuse.sentence(quiet, 100, (), float(np.log(1_172.0)), (1 / 1_172, 1 / 1_172, 1.0, 1.0))
    assert same.count("1 in 1,172") == 3
    asks = evidence("content", 0.0005, term("a", 1.0, sentence="It asks for reasoning."))
    assert fuse.sentence([asks], 100, (), 7.0, (0.005, 0.01, 1.0, 1.0)).startswith(
        "It asks for reasoning; with what belongs to it, at most 1 in 2,000 ordinary clients of its kind goes that "
        "far; what it asks and takes"
    )
    form = evidence("surface", 0.002, term("b", 1.0, sentence="It wraps all in one frame."))
    assert "what it asks" not in fuse.sentence([asks, form], 100, (), 7.0, (0.005, 0.01, 1.0, 1.0))  # said already
    assert "what it asks" not in fuse.sentence([asks], 100, (), 0.0, (0.005, 0.01, 1.0, 1.0))  # neither watched
    one = fuse.sentence(quiet, 100, (), 6.0, (0.001, 0.011, 1.0, 1.0))
    assert one.endswith("; all of it together is that of 1 in 403 ordinary clients.")


def test_what_goes_further_than_every_ordinary_client_is_not_told_as_a_rarity() -> None:
    quiet, floor = [evidence("content", 0.4, term("a", 1.0))], 1 / 389
    assert fuse.sentence(quiet, 100, (), float(np.log(389.0)), (), (), 388) == (
        "Nothing that it does is rare by itself; all of it together goes further than all 388 ordinary clients it is "
        "compared with."
    )
    assert fuse.sentence(quiet, 100, (), float(np.log(389.0)), (floor, floor, 1.0, 1.0), (), 388).endswith(
        "what it asks and takes, the form in which it does so, and all of it together each go further than all 388 "
        "ordinary clients it is compared with."
    )
    assert fuse.sentence(quiet, 100, (), float(np.log(389.0)), (2 * floor, floor, 1.0, 1.0), (), 388).endswith(
        "what it asks and takes is that of 1 in 194 ordinary clients, the form in which it does so goes further than "
        "all 388, and all of it together goes further than all 388."
    )
    assert "all of it together is that of 1 in 388" in fuse.sentence(quiet, 100, (), float(np.log(388.0)), (), (), 388)


def test_a_number_that_is_the_median_is_no_claim_whatever_its_rank() -> None:
    tied = dataclasses.replace(term("hours", 1.0, sentence="It was quick."), percentile=25.0, value=0.0, expected=0.0)
    other = term("tokens", 0.5, sentence="It took much.")
    assert fuse.sentence([evidence("content", 0.004, tied, other)], 100).startswith("It took much;")


def test_what_every_second_peer_does_is_no_claim_where_another_term_is_strong() -> None:
    usual = dataclasses.replace(term("hours", 1.0, sentence="It was quick."), percentile=50.0)
    rare = dataclasses.replace(term("volume", 0.4, sentence="It took much."), percentile=99.0)
    weak = dataclasses.replace(term("pause", 0.1, sentence="It paused."), percentile=99.0)
    assert fuse.sentence([evidence("content", 0.004, usual, rare, weak)], 100).startswith("It took much; ")
    assert fuse.sentence([evidence("content", 0.004, usual, weak)], 100).startswith("It was quick; ")
    low = dataclasses.replace(usual, percentile=3.0)
    assert fuse.sentence([evidence("content", 0.004, low, rare)], 100).startswith("It was quick; ")


def test_counter_evidence_is_told_once_the_strongest_first() -> None:
    found = fuse.counter_evidence(
        [
            evidence("content", 0.1, term("x", -0.2), term("y", -0.9)),
            evidence("surface", 0.1, term("x", -0.4), term("z", 0.3)),
        ]
    )
    assert [(one.feature, one.share) for one in found] == [("y", -0.9), ("x", -0.4)]


def test_what_two_detectors_say_in_the_same_words_is_said_once() -> None:
    same = [
        evidence("content", 0.002, term("a", 1.0, sentence="It takes much.")),
        evidence("surface", 0.004, term("b", 1.0, sentence="It takes much.")),
    ]
    assert fuse.sentence(same, 100) == (
        "It takes much; with what belongs to it, at most 1 in 500 ordinary clients of its kind goes that far."
    )
