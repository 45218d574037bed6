"""A decision about one client, from its alert's page or from its own: a real one is shown first, then confirmed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.alerts import queries as alert_queries
from app.clients import queries as client_queries
from app.console import acting, alerts, clients, deciding, render, review, session
from app.console.acting import Entered, Refusal
from app.console.deciding import CHANGE, CONFIRM, STEP, WRITE, Ordered
from app.console.route import PageRoute
from app.console.session import Visit
from app.errors import Conflict, InvalidInput
from app.policies import manual, mode
from app.policies.manual import Order
from app.policies.tell import tell

# The page that the form stands on, as it is now: with the status, and what was entered.
Again = Callable[[Request, Visit, str, int, Ordered], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the form stands on: `{name}s/{id}`."""

    name: str
    scope: str  # that the page asks for
    about: Callable[[Visit, str], Awaitable[tuple[str, str | None]]]  # the client and the alert of an id
    again: Again

    def path(self, request: Request) -> str:
        """The address of the page."""
        return f"/{self.name}s/{quote(self.id_of(request), safe='')}"

    def id_of(self, request: Request) -> str:
        """The id in the address."""
        return str(request.path_params[f"{self.name}_id"])

    async def back(self, request: Request) -> Response:
        """The address of a form, asked for by itself: the page that the form stands on."""
        return render.redirect(self.path(request))

    async def decide(self, request: Request) -> Response:
        """Decide as the form says: what is real only once it was confirmed. Shows the page again either way."""
        thing, form = self.id_of(request), await session.read_form(request)
        step = form.get(STEP, "")
        try:
            async with session.visit(request, self.scope, WRITE, write=True) as visit:
                session.check_token(form, visit.csrf)
                if step == CHANGE:
                    return await self.again(request, visit, thing, 200, deciding.entered(form))
                client_id, alert_id = await self.about(visit, thing)
                order = deciding.order(form, client_id, alert_id, visit.scopes)
                if not order.simulated and step != CONFIRM:
                    return await self._look(request, visit, order, form)
                made = await manual.make(visit.db, order, visit.name, visit.now)
        except (Conflict, InvalidInput) as error:
            wrong = error if isinstance(error, InvalidInput) else None
            ordered = deciding.entered(form, wrong, f"{str(error).capitalize()}.")
            async with session.visit(request, self.scope) as visit:
                return await self.again(request, visit, thing, error.status, ordered)
        told = await tell(request.app.state.redis, made.changed)
        return render.redirect(f"{self.path(request)}?done={deciding.done('decided', told, simulated=order.simulated)}")

    async def _look(self, request: Request, visit: Visit, order: Order, form: Mapping[str, str]) -> Response:
        """The order in words, with what it would end; nothing is kept."""
        draft, standing = await manual.preview(visit.db, order, visit.name, visit.now)
        context = {
            "path": self.path(request),
            "back_title": f"Back to the {self.name}",
            "client_id": order.client_id,
            "order": draft,
            "summary": deciding.summary(draft),
            "effect": deciding.effect(order.action),
            "extent": review.extent(draft.parameters),
            "replaced": [review.decision(one, visit.now) for one in manual.replaced(draft, standing)],
            "mode": (await mode.present(visit.db, request.app.state.settings.mode)).mode,
            "kept": deciding.kept(form),
        }
        return render.html("client_order.html", visit.page(f"{self.name}s", **context))


async def _of_alert(visit: Visit, alert_id: str) -> tuple[str, str | None]:
    alert = await alert_queries.get_alert(visit.db, alert_id)
    return alert.client_id, alert.id


async def _alert_again(request: Request, visit: Visit, alert_id: str, status: int, ordered: Ordered) -> Response:
    alert = await alert_queries.get_alert(visit.db, alert_id)
    refusal = Refusal(status, at={ordered.field: ordered.problem} if ordered.problem else {})
    return await alerts.page(request, visit, alert, refusal, Entered(), ordered)


async def _of_client(_visit: Visit, client_id: str) -> tuple[str, str | None]:
    return client_id, None  # whether there is such a client, the order's check asks


async def _client_again(request: Request, visit: Visit, client_id: str, status: int, ordered: Ordered) -> Response:
    client = await client_queries.get_client(visit.db, client_id)
    return await clients.page(request, visit, client, ordered, status)


PLACES = (
    Place("alert", acting.READ, _of_alert, _alert_again),
    Place("client", clients.READ, _of_client, _client_again),
)


def make_router() -> APIRouter:
    """Where the forms of the two pages are sent to."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    for place in PLACES:
        path = f"/{place.name}s/{{{place.name}_id}}/decide"
        router.add_api_route(path, place.decide, methods=["POST"])
        router.add_api_route(path, place.back, methods=["GET"])
    return router
