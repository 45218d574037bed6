"""What a request's head alone decides; one plan serves every request of a connection with the same head."""

from __future__ import annotations

from app.gateway.credentials import Headers, presented, ranked, read_first, scrub
from app.gateway.heads import RequestHead, origin_form
from app.gateway.identify import Identifier, anonymous
from app.gateway.problems import NO_ROUTE, TWO_CREDENTIALS, Problem
from app.gateway.routes import Route, Router
from app.gateway.upstream import Pool
from app.store.frames import FIXED, Subject

_REFUSED = 400  # and above


class Plan:
    """How a request goes on, whose it is, and what of its head is copied.

    The value of Content-Length is left out of both heads: it is all that differs between the requests
    that a client library sends over one connection.
    """

    __slots__ = (
        "chunked",
        "client",
        "copied",
        "expects",
        "framed",
        "length",
        "opening",
        "others",
        "pool",
        "problem",
        "subject",
        "unanswered",
        "until",
        "upgrade",
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        version: str,
        headers: Headers,
        peer: str,
        router: Router,
        identifier: Identifier | None,
    ) -> None:
        head = RequestHead(headers)
        path = head.refused(method, version) or origin_form(target)
        self.problem: Problem | None = None
        if isinstance(path, Problem):
            self.problem, path = path, b""
        self.chunked = head.chunked > 0
        self.expects = head.expects and version == "1.1"  # HTTP/1.0 knows no interim answers
        self.length = head.length  # of the request the plan was made for
        route = router.find(path) if self.problem is None else None
        self.pool: Pool | None = None
        first = b""
        if route is not None:
            self.pool = route.pool
            first = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), route.target(path), route.host)
        elif self.problem is None:
            self.problem = NO_ROUTE
        last = b"transfer-encoding: chunked\r\n\r\n" if self.chunked else b"\r\n"
        self.upgrade = head.websocket
        if self.upgrade:
            last = b"connection: Upgrade\r\nupgrade: websocket\r\n\r\n"
        before, after = _around(head.lines, head.length_at, ())
        self.opening = (first + before, after + last)
        self.client = 0
        self.unanswered = 0  # whom it counts for where the model API does not let it through
        self.others: tuple[int, ...] = ()  # clients whose decisions hold for it too
        self.until = 0.0  # seconds since the epoch; from then on another client may be named
        if identifier is None:
            return
        credentials = self._credentials(head, target.partition(b"?")[2], route, path)
        named = identifier.name(credentials, headers, peer)
        self.client, self.others, self.until = named.client, named.others, named.until
        self.unanswered = self.client
        if identifier.unproven(self.client, credentials):
            self.unanswered = identifier.client(anonymous(named.peer))
        self.copied = _around(head.lines, head.length_at, head.secret_at)
        dialect = route.dialect if route is not None else 0
        shown = scrub(target) if b"?" in target else target
        self.subject = Subject(named.peer.encode(), method.encode(), shown, dialect, named.ja4)
        self.framed = FIXED.size + len(self.subject.text) + sum(map(len, self.copied))  # of every copy's frame

    def _credentials(self, head: RequestHead, query: bytes, route: Route | None, path: bytes) -> tuple[bytes, ...]:
        """Different credentials of the request, the one that the model API reads before the others."""
        found = presented(head.credentials, query)
        if found is None:
            self.problem = self.problem or TWO_CREDENTIALS
            return ()
        if len(found) < 2 or route is None:
            return ranked(found)
        return ranked(found, read_first(route, route.target(path)))

    def counts_for(self, status: int) -> int:
        """The client that the exchange counts for, by the answer's status, 0 where none began.

        The id of a key is no secret: that its owner signed the request, only an answer of the model API says.
        """
        return self.client if 0 < status < _REFUSED else self.unanswered

    def become(self, other: Plan) -> None:
        """Take over another plan of the same head, for every request that shares this one."""
        for name in self.__slots__:
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))

    @property
    def repeatable(self) -> bool:
        """Whether another request with the same head can be served without reading it again."""
        return self.problem is None and not (self.chunked or self.expects or self.upgrade)


def _around(lines: list[bytes], length_at: int, left_out: tuple[int, ...] | list[int]) -> tuple[bytes, bytes]:
    """The lines before and after the value of Content-Length; all before where there is none."""
    kept = [line for at, line in enumerate(lines) if at not in left_out] if left_out else lines
    if length_at < 0:
        return b"".join(kept), b""
    place = length_at - sum(at < length_at for at in left_out)
    name = kept[place].partition(b": ")[0]
    return b"".join([*kept[:place], name, b": "]), b"".join([b"\r\n", *kept[place + 1 :]])
