"""Tables say what the verdicts say: the worst first, macro means, costs of evasions, reasons of captures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from bench.detection import adaptive, captures, report
from bench.detection.captures import Captured
from bench.detection.compose import Account
from bench.detection.evaluate import CLIENT
from bench.detection.judging import RATES, Judged
from bench.detection.ours import Tiers
from bench.detection.study import LOCAL, SHIPPED, Study
from detectors import event
from detectors.base import Level


def _study() -> Study:
    kinds = ["quiet"] * 30 + ["loud"] * 30 + ["rare"] * 2 + ["list"] * 10 + ["loop"] * 30
    clients = np.zeros(len(kinds), CLIENT)
    clients["kind"], clients["pair"] = kinds, -1
    clients["harvest"] = np.isin(clients["kind"], ["list", "loop"])
    flagged = np.zeros(len(kinds), np.bool_)
    flagged[30:36] = flagged[60:62] = flagged[62:67] = True  # loud 6, rare 2, list 5
    at = np.where(flagged, 50.0, np.inf)
    p = np.where(flagged, 0.005, 0.5)
    none = {rate: np.zeros(len(kinds), np.bool_) for rate in RATES}
    judged = Judged(clients, p, none | {RATES[0]: flagged}, dict.fromkeys(RATES, at), dict.fromkeys(RATES, at), 0.0005)
    tiers = Tiers(clients, flagged, flagged, at, at)
    return Study(
        seed=1, clients=clients, judged={LOCAL: judged, SHIPPED: judged, "MMD": judged}, tiers={"shipped": tiers},
        alone={"MMD": tiers}, unknown=judged, parts={}, left_out={}, claims={0.05: (1, 100)}, evasions={},
        told=(np.array([0.1, 0.9]), np.array([False, True])),
    )  # fmt: skip


def test_the_worst_ordinary_kind_of_enough_clients_stands_first_and_small_kinds_last() -> None:
    lines = report.ordinary_kinds([_study()])[2:]
    assert [line.split(" | ")[0].strip("| ") for line in lines if line] == ["loud", "quiet", "rare"]
    assert "| 20.0% (7.7% to 38.6%) |" in lines[0]


def test_harvests_have_their_macro_mean_not_that_of_clients() -> None:
    lines = report.families([_study()])
    assert lines[2].startswith("| loop | 30 | 0.0%")
    assert "**25.0%**" in lines[4]  # of 50 % and 0 %; 12.5 % of all clients


def test_matched_controls_and_grey_clients_are_no_false_alarms() -> None:
    study = _study()
    study.clients["pair"][30:36] = 7
    study.clients["grey"][60:62] = True
    assert study.judged[LOCAL].alarms(RATES[0]).hits == 0
    assert study.judged[LOCAL].matched.sum() == 6
    assert report.drawn(study.clients).sum() == 54


def test_a_level_of_a_baseline_stands_beside_equal_rates() -> None:
    row = next(line for line in report.versus([_study()]) if line.startswith("| MMD"))
    assert row.endswith("| 50 | 12% / 13% |")


def _plain(choices: int) -> Account:
    events = event.zeros(16)
    events["client"], events["choices"], events["out_chars"] = 9, choices, 800
    events["at"] = np.arange(16) * 100.0
    events["top_logprobs"] = 5
    return Account(9, "", "preference", events, evasion="none")


def test_evasions_by_settings_keep_what_they_harvest() -> None:
    one = _plain(4)
    (single,) = adaptive._single(one)
    assert len(single.events) == 64
    assert int(single.events["out_chars"].sum()) == 16 * 800
    assert (np.diff(single.events["at"]) >= 0).all()
    (plain,) = adaptive._plain(one)
    assert (plain.events["top_logprobs"] == -1).all()
    assert (plain.events["choices"] == 1).all()
    parts = adaptive._spread(one)
    assert len({part.client for part in parts}) == adaptive.ACCOUNTS
    assert sum(len(part.events) for part in parts) == 16
    assert all((part.events["client"] == part.client).all() for part in parts)
    assert (one.events["client"] == 9).all()
    assert set(adaptive.costs()) >= {"none", "ordinary settings", "warm-up"}


def _capture(name: str, level: Level, score: float, *, harvest: bool, grey: bool = False) -> Captured:
    told = SimpleNamespace(
        requests=60, look=50, evidence=(), cannot_tell="", level=level, sentence="It asks for pairs."
    )
    result = SimpleNamespace(level=level, score=score, explanation=told, flagged_at_request=None)
    return Captured(name, "kind", harvest, grey, result)  # type: ignore[arg-type]


def test_captures_are_told_with_the_highest_of_their_clients_and_grey_ones_apart() -> None:
    some = [
        _capture("benign__b", Level.NONE, 1.0, harvest=False),
        _capture("attack__g", Level.WATCH, 9.0, harvest=True, grey=True),
        _capture("attack__a", Level.NONE, 2.0, harvest=True),
        _capture("attack__a", Level.WATCH, 5.0, harvest=True),
    ]
    rows = [line for line in captures.section(some) if line.startswith("| ")][1:]
    assert [row.split(" | ")[0] for row in rows] == ["| a", "| b", "| g"]
    assert "| watch | 5.0 |" in rows[0]
    assert "compared at 50" in rows[0]
    assert ["It asks for pairs." in row for row in rows] == [True, False, True]
    assert "nothing out of the ordinary" in rows[1]
    assert captures.section([]) == []
