"""Every error says what it is to a machine (status, code) and to a person."""

import re

import app.errors
from app.errors import InvalidInput, SettingError, StillwatchError


def tree(root: type[StillwatchError]) -> list[type[StillwatchError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def test_codes_are_stable_and_unique():
    codes = [kind.code for kind in tree(StillwatchError) if "code" in vars(kind)]  # a narrower one may keep its code
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_statuses_are_errors():
    assert all(400 <= kind.status < 600 for kind in tree(StillwatchError))


def test_the_docstring_draws_the_whole_tree():
    """A door may narrow an error for itself (the dashboard's cross-site refusal); the shared tree is drawn whole."""
    drawn = app.errors.__doc__ or ""
    shared = [kind.__name__ for kind in tree(StillwatchError) if kind.__module__ == "app.errors"]
    assert not [name for name in shared if name not in drawn]


def test_setting_error_names_setting_problem_and_remedy():
    text = str(SettingError("UPSTREAM", "it is wrong", "mend it"))
    assert text == "UPSTREAM: it is wrong. Remedy: mend it"


def test_invalid_input_keeps_its_pointer():
    error = InvalidInput("/disposition", "is missing")
    assert (error.pointer, error.problem) == ("/disposition", "is missing")
