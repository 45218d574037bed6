"""Yes or no in an address is true or false, and nothing else."""

import pytest


@pytest.mark.parametrize("path", ["clients?flagged", "decisions?active", "decisions?simulated"])
async def test_only_true_and_false_are_taken(call, path):
    for value in ("true", "false"):
        assert (await call.get(f"/api/v1/{path}={value}")).status_code == 200
    for value in ("yes", "1", "on", "t", "True", ""):
        answer = await call.get(f"/api/v1/{path}={value}")
        assert answer.status_code == 422, value
        assert answer.json()["errors"][0]["message"] == "give true or false"
