"""The call of a degraded client: stands between relay and client, and takes out what the decision says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.gateway import degrade
from app.gateway.asgi import AsgiCall
from app.gateway.cycle import Cycle
from app.gateway.degrade import LogprobsAsked, Unsafe
from app.gateway.enforce import Degrade
from app.gateway.events import EventFilter
from app.gateway.heads import AnswerHead
from app.gateway.plan import Plan

REQUEST_BYTES = 4 << 20  # of a request's body that are read to rewrite it
ANSWER_BYTES = 4 << 20  # of an answer's body that are held back to rewrite it
DIGESTS = (b"content-digest", b"content-md5", b"digest", b"etag", b"repr-digest")  # of bytes that we change
JSON, EVENTS = b"application/json", b"text/event-stream"


def _value(lines: list[bytes], name: bytes) -> bytes:
    """The value of the first line with a name, in lower case; empty where there is none."""
    for line in lines:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().lower()
    return b""


def _is_json(kind: bytes) -> bool:
    kind = kind.partition(b";")[0].strip()
    return kind == JSON or kind.endswith(b"+json")


class DegradedCall:
    """Looks to the relay like the call that it wraps; bodies that cannot be rewritten pass and are counted."""

    def __init__(self, call: Cycle | AsgiCall, policy: Degrade) -> None:
        self._call = call
        self._policy = policy
        self._first: tuple[bytes, bool] | None = None  # what was read of the body, for the relay
        self._filter: EventFilter | None = None
        self._held: list[bytes] | None = None  # of an answer that is rewritten as a whole
        self._held_bytes = 0
        self._begun: tuple[int, AnswerHead] | None = None  # status and head of it
        self.original: bytes | None = None  # the body as the client sent it, where it was changed
        self.length = call.length
        self.untouched = 0  # bodies that passed unchanged because they could not be rewritten

    # What the relay reads and calls.

    @property
    def driven(self) -> bool:
        """Whether a Driver runs the relay."""
        return self._call.driven

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self._call.gone

    @property
    def method(self) -> str:
        """The request's method."""
        return self._call.method

    @property
    def expects(self) -> bool:
        """Whether the client still waits for 100 Continue."""
        return self._call.expects

    @expects.setter
    def expects(self, value: bool) -> None:
        self._call.expects = value

    @property
    def uploading(self) -> bool:
        """Whether the model API has the body's beginning."""
        return self._call.uploading

    @uploading.setter
    def uploading(self, value: bool) -> None:
        self._call.uploading = value

    @property
    def keep_alive(self) -> bool:
        """Whether the client's connection outlives the answer."""
        return self._call.keep_alive

    @keep_alive.setter
    def keep_alive(self, value: bool) -> None:
        self._call.keep_alive = value

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the client leaves."""
        self._call.watch(callback)

    def take(self) -> tuple[bytes, bool] | None:
        """The next piece of the body, if it is there."""
        first, self._first = self._first, None
        return first if first is not None else self._call.take()

    async def read(self) -> tuple[bytes, bool] | None:
        """The next piece of the body; None once the client left."""
        first, self._first = self._first, None
        return first if first is not None else await self._call.read()

    # The request.

    async def prepare(self, plan: Plan) -> bool:
        """Read the body and rewrite it; False where the client left. Raises LogprobsAsked."""
        self._call.expects = plan.expects
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= REQUEST_BYTES:
            piece = self._call.take() or await self._call.read()
            if piece is None:
                return False
            parts.append(piece[0])
            size += len(piece[0])
            more = piece[1]
        body = b"".join(parts)
        self._first = (body, more)
        if not body:
            return True
        if more:
            self.untouched += 1
            return True
        self._rewrite(body)  # what the head says of it is the client's word: many model APIs do not look at it
        return True

    def _rewrite(self, body: bytes) -> None:
        try:
            changed = degrade.request(body, self._policy)
        except Unsafe:
            self.untouched += 1
            return
        except LogprobsAsked:
            self._first = None  # all of it was read: the connection stays usable
            self.original = body
            raise
        if changed is not body:
            self.original = body
            self._first = (changed, False)
            self.length = b"%d" % len(changed) if self.length else b""

    # The answer.

    def begin(self, status: int, head: AnswerHead, data: bytes, last: bool) -> Awaitable[None] | None:
        """The answer's head and first bytes, held back or filtered where reasoning could be in it."""
        lines = head.block.split(b"\r\n")
        kind, coding = _value(lines, b"content-type"), _value(lines, b"content-encoding")
        wanted = self._policy.drop_reasoning and 200 <= status < 300 and status != 206 and not (last and not data)
        if not wanted or not (kind.startswith(EVENTS) or _is_json(kind)):
            return self._call.begin(status, head, data, last)
        if coding not in (b"", b"identity") or head.length > ANSWER_BYTES:
            self.untouched += 1
            return self._call.begin(status, head, data, last)
        if kind.startswith(EVENTS):
            self._filter = EventFilter()
            return self._call.begin(status, _reframed(lines, -1), self._filtered(data, last), last)
        self._held, self._begun = [], (status, head)
        return self._hold(data, last)

    def write(self, data: bytes, last: bool) -> Awaitable[None] | None:
        """More of the answer."""
        if self._filter is not None:
            passed = self._filtered(data, last)
            return self._call.write(passed, last) if passed or last else None
        return self._hold(data, last) if self._held is not None else self._call.write(data, last)

    def _filtered(self, data: bytes, last: bool) -> bytes:
        events = self._filter
        assert events is not None
        before = events.untouched
        passed = events.feed(data) + (events.end() if last else b"")
        self.untouched += events.untouched - before
        return passed

    def _hold(self, data: bytes, last: bool) -> Awaitable[None] | None:
        assert self._held is not None
        assert self._begun is not None
        self._held.append(data)
        self._held_bytes += len(data)
        if not last and self._held_bytes <= ANSWER_BYTES:
            return None
        (status, head), body = self._begun, b"".join(self._held)
        self._held = None
        try:
            if self._held_bytes > ANSWER_BYTES:
                raise Unsafe("it is too long")
            changed = degrade.answer(body)
        except Unsafe:
            self.untouched += 1
            return self._call.begin(status, head, body, last)
        if changed is not body:
            head = _reframed(head.block.split(b"\r\n"), len(changed))
        return self._call.begin(status, head, changed, True)

    async def flush(self) -> None:
        """Pass on what is held of an answer that never became whole: the client sees how far it came."""
        if self._held is None or self._begun is None or self.gone:
            return
        (status, head), body = self._begun, b"".join(self._held)
        self._held = None
        self.untouched += 1
        pending = self._call.begin(status, head, body, False)
        if pending is not None:
            await pending


def _reframed(lines: list[bytes], length: int) -> AnswerHead:
    """The head with another length; -1 for one that is not known before the end."""
    left_out = (b"content-length", *DIGESTS)
    kept = [line for line in lines if line and line.partition(b":")[0].strip().lower() not in left_out]
    return AnswerHead([*kept, b"content-length: %d" % length] if length >= 0 else kept)
