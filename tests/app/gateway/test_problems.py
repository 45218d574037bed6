"""The gateway's own answers: one shape, a remedy, no details of ours."""

from __future__ import annotations

import json

import pytest

from app.gateway import problems
from app.gateway.problems import Problem, unreachable

ALL = [value for value in vars(problems).values() if isinstance(value, Problem)]


@pytest.mark.parametrize("problem", [*ALL, unreachable("it refuses connections")], ids=lambda problem: problem.code)
def test_shape(problem):
    error = json.loads(problem.body())["error"]
    assert error.keys() == {"message", "type", "code"}
    assert error["type"] == "stillwatch_gateway"
    assert 400 <= problem.status < 600
    assert error["message"].endswith(".")
    assert error["message"].count(".") >= 2  # what is wrong, and what to do


def test_codes_are_unique():
    assert len({problem.code for problem in ALL}) == len(ALL)
