"""Which conversations that the provider keeps had an answer before: what no exchange tells by itself."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from detectors.exchange import Exchange, Outcome

MOST: Final = 65_536  # conversations remembered, about 15 MB; those used longest ago make way
_KEY_BYTES: Final = 16
_ERROR_STATUS: Final = 400


class Conversations:
    """Conversations by client and id, each with when its first known answer ended.

    An id of its own with every request would else make every request a later turn, for nothing. What is forgotten
    (by a restart, beyond `most`, or because another host's extractor saw it) counts as a first turn: the other
    error would let anybody choose to be taken for a chat, this one shows a chat's turn as a single prompt.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answered: OrderedDict[bytes, float] = OrderedDict()

    def mark(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """The exchanges in their order, `continued` where the client's conversation had an answer before.

        Before means that it had ended when the request began: so it does not matter in which order exchanges that
        overlap are told, by their ends as off the wire or by their beginnings as in a log.
        """
        return [self._told(one) if one.conversation else one for one in exchanges]

    def _told(self, exchange: Exchange) -> Exchange:
        name = exchange.client.to_bytes(8, "big") + exchange.conversation.encode("utf-8", "surrogatepass")
        key = blake2b(name, digest_size=_KEY_BYTES).digest()
        before = self._answered.get(key, math.inf)
        ended = before
        if exchange.outcome == Outcome.OK and exchange.status < _ERROR_STATUS:
            ended = min(before, exchange.at + exchange.duration)
        if ended < math.inf:
            self._answered[key] = ended
            self._answered.move_to_end(key)
            if len(self._answered) > self._most:
                self._answered.popitem(last=False)
        return replace(exchange, continued=True) if before <= exchange.at else exchange
