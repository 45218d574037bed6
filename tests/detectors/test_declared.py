"""The operator's tables: read from CSV, wrong lines named."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.declared import Plans, read_plans, read_releases
from detectors.features import model_hash


def test_plans_are_found_by_client_in_thousands(tmp_path) -> None:
    path = tmp_path / "plans.csv"
    path.write_text("client,tokens_per_day\ncl_000000000000000a,1500000\n00000000000000ff,10\n")
    plans = read_plans(path)
    assert plans.of(np.array([10, 11, 255], np.uint64)).tolist() == [1_500, 0, 1]
    assert Plans().of(np.array([10], np.uint64)).tolist() == [0]


def test_releases_come_oldest_first_in_utc(tmp_path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text("model,released\nm-2,2026-02-01T12:00:00+02:00\nm-1,2026-01-01\n")
    first, second = read_releases(path)
    assert (first.model, first.at) == (model_hash("m-1"), 1_767_225_600.0)
    assert second.at == 1_769_940_000.0


@pytest.mark.parametrize("line", ["nobody,5", "cl_0a,none", "cl_0a,-3", "cl_0a,nan", "cl_0a"])
def test_a_wrong_plan_names_its_line(tmp_path, line: str) -> None:
    path = tmp_path / "plans.csv"
    path.write_text(f"client,tokens_per_day\ncl_0b,5\n{line}\n")
    with pytest.raises(ValueError, match="line 3"):
        read_plans(path)


def test_a_wrong_release_names_its_line(tmp_path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text("model,released\nm,yesterday\n")
    with pytest.raises(ValueError, match="line 2"):
        read_releases(path)
