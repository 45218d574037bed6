"""Pages as the API sends them: sealed cursors in the body and in the Link header."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.api import cursors
from app.api.schemas import Links, Listing, Query
from app.errors import InvalidInput
from app.store.page import Page

Row = TypeVar("Row")
Shaped = TypeVar("Shaped")


class PageQuery(Query):
    """The parameters of a list that cannot be filtered."""


def unsealed(request: Request, sealed: str | None) -> str | None:
    """The cursor that the caller sent, unsealed; CursorMismatch where it is not ours."""
    return cursors.unseal(request.app.state.secret, sealed)


def utc(name: str, moment: datetime | None) -> datetime | None:
    """The moment in UTC; InvalidInput at the ends of the calendar, where there is none."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(name, "it is out of range") from None


def _link(request: Request, sealed: str, relation: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{request.url.path}?{urlencode([*kept, ("cursor", sealed)])}>; rel="{relation}"'


def listing(request: Request, response: Response, page: Page[Row], shape: Callable[[Row], Shaped]) -> Listing[Shaped]:
    """The page in its envelope, with a Link header to its neighbours."""
    secret = request.app.state.secret
    following, previous = cursors.seal(secret, page.next_cursor), cursors.seal(secret, page.prev_cursor)
    links = [_link(request, sealed, name) for sealed, name in ((following, "next"), (previous, "prev")) if sealed]
    if links:
        response.headers["Link"] = ", ".join(links)
    around = Links(next_cursor=following, prev_cursor=previous, has_more=page.has_more)
    return Listing(data=[shape(row) for row in page.items], page=around)
