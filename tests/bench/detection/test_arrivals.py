"""Arrival laws: volume as asked, shape and pauses as recorded, a night for people, steps in bursts."""

from __future__ import annotations

import gzip
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from bench.detection import arrivals
from bench.detection.arrivals import DAY, WEEK, Law, Laws


def _laws(rates: list[float], shape: float = 1.0, weibull: bool = False) -> Laws:
    starts = tuple(arrivals.STEP * at for at in range(len(rates)))
    law = Law("one", starts, tuple(rates), (shape,) * len(rates), (weibull,) * len(rates))
    return Laws((law,), (1.0, 2.0))


@pytest.mark.parametrize(("shape", "weibull"), [(1.0, False), (0.3, False), (4.0, False), (0.5, True)])
def test_the_volume_is_the_one_asked_for_whatever_the_shape(shape, weibull) -> None:
    laws = _laws([1.0] * 1_008, shape, weibull)
    counts = [len(arrivals.moments(laws, "service", 0, Random(n), 400.0, 10_000, WEEK)) for n in range(8)]
    assert 0.85 * 2_800 < np.mean(counts) < 1.15 * 2_800


def test_gaps_spread_as_the_window_says() -> None:
    spreads = {}
    for shape in (0.2, 1.0, 5.0):
        at = [one.at for one in arrivals.moments(_laws([1.0] * 1_008, shape), "service", 0, Random(1), 4_000, 3_000)]
        gaps = np.diff(at)
        spreads[shape] = gaps.std() / gaps.mean()
    assert spreads[5.0] == pytest.approx(5.0**-0.5, rel=0.1)
    assert spreads[1.0] == pytest.approx(1.0, rel=0.1)
    assert spreads[0.2] == pytest.approx(0.2**-0.5, rel=0.15)


def test_nothing_comes_while_the_recorded_client_was_silent() -> None:
    on = Law("one", tuple(arrivals.STEP * at for at in range(0, 144, 12)), (1.0,) * 12, (1.0,) * 12, (False,) * 12)
    at = np.array([one.at for one in arrivals.moments(Laws((on,), ()), "service", 0, Random(2), 4_000, 3_000)])
    assert len(at) == 3_000
    inside = at % (12 * arrivals.STEP)
    assert (inside < arrivals.STEP + 1e-6).all()


def test_people_have_a_night_and_short_sessions() -> None:
    some = arrivals.moments(_laws([1.0]), "person", 0, Random(3), 400.0, 5_000)
    hours = np.bincount([int(one.at % DAY // 3_600) for one in some], minlength=24)
    assert hours.min() * 4 < hours.max()
    turns = np.unique([one.session for one in some], return_counts=True)[1]
    assert 0.5 < (turns == 1).mean() < 0.7
    assert np.quantile(turns, 0.9) <= 4
    assert all(one.at <= WEEK for one in some)


def test_bursts_are_steps_seconds_apart() -> None:
    some = arrivals.moments(_laws([1.0]), "burst", 0, Random(4), 400.0, 2_000)
    gaps = [b.at - a.at for a, b in pairwise(some) if a.session == b.session]
    assert np.median(gaps) < 10.0
    assert len({one.session for one in some}) > 20


def test_sessions_have_one_beginning_each() -> None:
    for kind in ("service", "person", "burst"):
        some = arrivals.moments(arrivals.own(), kind, 3, Random(5), 2_000.0, 600)
        fresh = [one.session for one in some if one.fresh]
        assert len(fresh) == len(set(fresh))
        assert set(fresh) <= {one.session for one in some}


def test_rates_lie_in_their_bands() -> None:
    rates = [arrivals.rate(Random(n), (400.0,)) for n in range(200)]
    assert 400 * np.exp(-0.51) < min(rates) < max(rates) < 400 * np.exp(0.51)


def test_recorded_windows_are_read_by_client(tmp_path) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    header = "client,t_s,rate_rps,iat_cv,family,shape,scale_s\n"
    for name in arrivals.TRACES.values():
        with gzip.open(folder / f"{name}.csv.gz", "wt") as out:
            out.write(header + "7,600,0.5,1.0,Weibull,0.8,2.0\n7,0,0.25,1.0,Gamma,0.001,2.0\n9,0,1,1,Gamma,2,1\n")
    with gzip.open(folder / f"{arrivals.STEPS}.csv.gz", "wt") as out:
        out.write("session,step,t_s,in_chars,out_chars\n0,0,0.0,1,1\n0,1,1.5,1,1\n1,0,9.0,1,1\n1,1,9.5,1,1\n")
    assert arrivals.missing(tmp_path) == []
    laws = arrivals.read(tmp_path, "dev")
    assert laws.steps == (1.5, 0.5)
    first, second = laws.services
    assert (first.name, first.starts, first.weibull) == ("m-mid/7", (0.0, 600.0), (False, True))
    assert first.shapes[0] == 0.05
    assert second.rates == (1.0,)
    assert arrivals.missing(tmp_path / "none") == [f"traces/{name}.csv.gz" for name in
                                                   (*arrivals.TRACES.values(), arrivals.STEPS)]  # fmt: skip
