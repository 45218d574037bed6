"""Further ordinary uses, for training the joint score alone: neither split's tests hold any of them.

A forest that was shown few ordinary uses takes the next one for a harvest as soon as it shares a means with one: a
written order above every text, answers that go back in, a list walked through. These share such means and keep nothing.
What they do for kinds that training never saw stands in docs/detection-choices.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.detection import dataset
from bench.detection import further_jobs as job
from bench.detection import profile as profiles
from bench.detection.compose import Account, Script
from bench.detection.dataset import Plan, World
from bench.detection.further_desks import DESKS
from bench.detection.further_twins import TWINS

EACH = 100  # accounts of a use
CAP, DAYS = 200, 7.0  # an account's most requests, and its days
USES: tuple[Script, ...] = (
    job.rehearsal, job.figures, job.own_tests, job.query_desk, job.letters, job.replies, job.minutes,
    job.strings, job.coding_of_cases, job.adventure, job.tidy_rows, job.from_tickets, job.twice_checked,
    job.greetings, job.open_answers, job.partner, job.press, job.panel, job.endings, job.claims, job.own_port,
    job.explained, *DESKS, *TWINS,
)  # fmt: skip


def plans(world: World, seed: str, share: float = 1.0) -> Iterator[Plan]:
    """Accounts of every use: EACH of it, or a share of them, but at least one."""
    for script in USES:
        for number in range(max(1, round(share * EACH))):
            name = f"{seed}/{script.__name__}/{number}"
            yield Plan(name, script, profiles.draw(Random(f"{name}/plan"), world.pools), script.__name__, CAP, DAYS)


def accounts(world: World, seed: str, share: float = 1.0) -> Iterator[Account]:
    """The same, composed."""
    return (dataset.build(world, plan) for plan in plans(world, seed, share))
