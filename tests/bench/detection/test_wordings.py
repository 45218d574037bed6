"""Training's own wordings: each belongs to a script, fills the same gaps, and reaches no test."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import pytest

from bench.detection import frames, harvests, lists, personas, profile, ranking, sources, wordings
from bench.detection.compose import ALONE, Habits, Maker
from bench.detection.dataset import World


class Listening(Maker):
    """Notes the options that scripts choose from."""

    heard: list[tuple[Any, ...]]

    def half(self, options: Sequence[Any]) -> Sequence[Any]:
        """As any other."""
        self.__dict__.setdefault("heard", []).append(tuple(options))
        return super().half(options)


def _text(option: Any) -> str:
    return option if isinstance(option, str) else str(option[0])


def _gaps(text: str) -> int:
    """How many places a frame fills; `{{}}` is none."""
    return sum(name is not None for _, name, _, _ in string.Formatter().parse(text))


def _first(options: Sequence[Any]) -> Any:
    return next((one for one in options if one), "")


@pytest.fixture(scope="module")
def heard() -> set[tuple[Any, ...]]:
    """Every list of options that any script chooses from."""
    pools = sources.pools(None, "dev")
    out: set[tuple[Any, ...]] = set()
    scripts = [script for script, _ in personas.WEIGHTS]
    scripts += [*harvests.families(lists.read(None, "dev")).values(), *ranking.HARD]
    for place, script in enumerate(scripts):
        for number in range(12):  # a script draws which of its options it needs
            rng = Random(f"{place}/{number}")
            maker = Listening(rng, pools, profile.draw(rng, pools), ALONE)
            list(islice(script(maker), 3))
            out.update(getattr(maker, "heard", ()))
    return out


def test_each_wording_belongs_to_a_script_and_fills_as_many_gaps(heard) -> None:
    of = {_first(options): options for options in heard}
    for first, more in wordings.known().items():
        assert first in of, f"no script begins its options with {first!r}"
        assert more
        gaps = {_gaps(_text(one)) for one in of[first] if one}
        for one in more:
            assert isinstance(one, type(first))
            assert _gaps(_text(one)) in gaps, one


def test_a_wording_of_training_is_no_test_s(heard) -> None:
    own = {_text(one) for options in heard for one in options}
    for more in wordings.known().values():
        assert own.isdisjoint(map(_text, more))


def _frames(split: str, count: int = 400) -> Iterator[str]:
    pools = replace(sources.pools(None, "dev"), split=split)
    plain = replace(profile.draw(Random("p"), pools), local=False)
    for number in range(count):
        yield Maker(Random(number), pools, plain, ALONE).frame(frames.BOXED)


def test_either_split_draws_its_own_half_as_it_stands() -> None:
    assert set(_frames("dev")) == set(frames.BOXED[0::2])
    assert set(_frames("test")) == set(frames.BOXED[1::2])


def test_training_draws_more_wordings_half_of_them_under_rules() -> None:
    drawn = list(_frames(sources.TRAINING))
    able = [*frames.BOXED[0::2], *wordings.more(frames.BOXED)]
    bare = [one for one in drawn if one in able]
    assert set(bare) == set(able)
    assert 0.4 < len(bare) / len(drawn) < 0.6
    ruled = [one for one in drawn if one not in able]
    assert all(any(frame in one for frame in able) for one in ruled)
    assert not any(frame in one for frame in frames.BOXED[1::2] for one in drawn)
    assert sum(one.startswith(tuple(able)) for one in ruled) > 20  # rules behind
    assert sum(one.endswith(tuple(able)) for one in ruled) > 20  # and before


def test_accounts_of_one_operator_have_the_same_rules() -> None:
    pools = replace(sources.pools(None, "dev"), split=sources.TRAINING)
    plain = replace(profile.draw(Random("p"), pools), local=False)
    for operator in "abcdef":
        both = [Maker(Random(n), pools, plain, Habits(operator)).frame(frames.GRADE) for n in (1, 2)]
        assert both[0] == both[1]


def test_a_template_under_rules_still_fills_its_gaps_and_none_stays_none() -> None:
    for number in range(60):
        own = wordings.rules(Random(number))
        if own is not None:
            assert "{" not in own.text
            assert wordings.ruled("", own) == ""
            assert "text of it" in wordings.ruled("Mark: {}", own).format("text of it")


def test_the_reworded_world_has_the_same_texts() -> None:
    world = World("dev", sources.pools(None, "dev"), lists.read(None, "dev"))
    other = ranking.reworded(world)
    assert other.pools.split == sources.TRAINING
    assert {one.split for one in other.pools.others.values()} == {sources.TRAINING}
    assert other.pools.questions == world.pools.questions
    assert other.lists is world.lists
