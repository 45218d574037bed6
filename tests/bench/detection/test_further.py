"""Uses that training alone has: none of them harvests, each works in both wordings, and no test holds one."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from bench.detection import dataset, further, jobs, personas, pipelines, profile, ranking, sources
from bench.detection.compose import ALONE, Ask, Maker, Script

PLAIN = dataset.world(None, "dev")
WORLDS = {"own": PLAIN, "worded": ranking.reworded(PLAIN)}


def asks(script: Script, split: str, seed: str = "a", count: int = 40) -> list[Ask]:
    """The first requests of a use."""
    rng = Random(f"{split}/{seed}")
    pools = WORLDS[split].pools
    return list(islice(script(Maker(rng, pools, profile.draw(rng, pools), ALONE)), count))


@pytest.mark.parametrize("split", sorted(WORLDS))
@pytest.mark.parametrize("script", further.USES, ids=lambda one: one.__name__)
def test_a_use_keeps_nothing_and_fills_its_templates(script: Script, split: str) -> None:
    made = asks(script, split)
    assert len(made) == 40  # it goes on
    assert not any(one.harvest for one in made)
    assert any(message.text for one in made for message in one.messages)
    assert not any("{}" in message.text for one in made for message in one.messages)
    assert made == asks(script, split)
    assert made != asks(script, split, "b")


def test_no_name_is_one_of_the_benchmark_s() -> None:
    names = [script.__name__ for script in further.USES]
    assert len(set(names)) == len(names)
    tested = {script.__name__ for script, _ in personas.WEIGHTS} | {script.__name__ for script in ranking.HARD}
    assert not set(names) & (tested | {name for module in (jobs, pipelines, personas) for name in vars(module)})


def test_a_share_has_every_use_and_is_the_same_for_the_same_seed() -> None:
    first, again = (list(further.accounts(WORLDS["worded"], "s", 0.02)) for _ in range(2))
    assert [one.persona for one in first] == [s.__name__ for s in further.USES for _ in range(further.EACH // 50)]
    assert not any(one.family for one in first)
    assert len({one.client for one in first}) == len(first)
    assert [one.events.tobytes() for one in first] == [one.events.tobytes() for one in again]
    assert first[0].events.tobytes() != next(iter(further.accounts(WORLDS["worded"], "t", 0.02))).events.tobytes()


def test_further_wordings_are_those_of_training() -> None:
    assert WORLDS["worded"].pools.split == sources.TRAINING
    for script in further.USES:
        assert asks(script, "worded", count=5) != asks(script, "own", count=5)
