"""How long the operator's lists are, on the way to the core: a new index in the place of the old one is taken over."""

from __future__ import annotations

from collections.abc import Mapping

from app.store.lists import Lists
from detectors.campaign import supplied


class Sizes:
    """The sizes of the lists in the index that is named, or of none; raises SettingError where the file is none."""

    def __init__(self, path: str) -> None:
        self._lists = Lists(path)
        self._read()

    def now(self) -> Mapping[str, int]:
        """How many items each list holds, by the file as it stands; a broken file leaves what was known."""
        if self._lists.renew():
            self._read()
        return self._sizes

    def _read(self) -> None:
        self._sizes = supplied.list_sizes(self._lists.index)
        self._lists.index = None  # extractors look prompts up; here the hashes would only take memory
