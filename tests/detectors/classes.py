"""The two tests of every table of wordings: each class is found in what asks for it, and nothing in what is near."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import pytest

from detectors.text import normalise

Test = Callable[..., None]


def wording_tests(
    asks: Mapping[str, Sequence[str]], ordinary: Sequence[str], classes: Callable[[str], Collection[str]]
) -> tuple[Test, Test]:
    """Tests over texts by the class that they ask for, and over ordinary ones; `classes` are those of a plain text."""

    @pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in asks.items() for text in texts])
    def each_is_found(name: str, text: str) -> None:
        assert name in classes(normalise(text))

    @pytest.mark.parametrize("text", ordinary)
    def nothing_matches(text: str) -> None:
        assert not classes(normalise(text))

    return each_is_found, nothing_matches
