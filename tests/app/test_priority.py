"""A process steps back behind the others, and where it may not it goes on as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from pathlib import Path
from app.priority import step_back
step_back(int(sys.argv[1]), Path(sys.argv[2]))
print(os.nice(0))
"""


def _stepped(nice, autogroup, *, leads):
    """The niceness of a process that stepped back, less this one's."""
    command = [sys.executable, "-c", PROGRAM, str(nice), str(autogroup)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, start_new_session=leads).stdout
    return int(told) - os.nice(0)


@pytest.fixture
def autogroup(tmp_path):
    path = tmp_path / "autogroup"
    path.write_text("/autogroup-1 nice 0")
    return path


def test_the_leader_of_a_session_lowers_the_sessions_group_with_itself(autogroup):
    lowered = _stepped(3, autogroup, leads=True)
    assert lowered == min(3, 19 - os.nice(0))
    assert autogroup.read_text() == str(os.nice(0) + lowered)


def test_others_leave_the_group_to_its_leader(autogroup):
    assert _stepped(3, autogroup, leads=False) == min(3, 19 - os.nice(0))
    assert autogroup.read_text() == "/autogroup-1 nice 0"


def test_zero_leaves_everything_as_it_is(autogroup):
    assert _stepped(0, autogroup, leads=True) == 0
    assert autogroup.read_text() == "/autogroup-1 nice 0"


def test_where_there_are_no_groups_nothing_is_missed(tmp_path):
    assert _stepped(2, tmp_path / "none" / "autogroup", leads=True) == min(2, 19 - os.nice(0))
