"""Steps that a reviewer takes on a page: one form each, checked, done, and the page shown again either way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console import render, session
from app.console.deciding import CHANGE, STEP
from app.console.session import FORM_FIELDS, Visit
from app.errors import Conflict, InvalidInput
from app.policies.decide import DecisionOut
from app.policies.tell import tell

READ, WRITE = "alerts:read", "alerts:write"
SAID = {"/disposition": "Choose a disposition.", "/reason": "Say why.", "/other": "Name another campaign by its id."}
REASONS = {"split": "split_reason", "merge": "merge_reason", "revoke": "revoke_reason"}  # ids of fields, by step
OURS = frozenset({"csrf", "version", STEP})  # fields that nobody typed


@dataclass(frozen=True, slots=True)
class Entered:
    """What the reviewer typed, kept when it could not be saved."""

    disposition: str = ""
    note: str = ""
    reason: str = ""
    form: Mapping[str, str] = field(default_factory=dict)  # all of it


def entered(form: Mapping[str, str]) -> Entered:
    """The form as it was sent."""
    typed = {name: value for name, value in form.items() if name not in OURS}
    return Entered(form.get("disposition", ""), form.get("note", ""), form.get("reason", ""), typed)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was saved: a conflict, or what is wrong with which fields."""

    status: int
    conflict: str = ""
    at: Mapping[str, str] = field(default_factory=dict)  # what is wrong, by the id of the field; "" where none is meant


class Incomplete(InvalidInput):
    """More than one field is wrong; `at` is as in `Refusal`."""

    def __init__(self, at: Mapping[str, str]) -> None:
        super().__init__("form", " ".join(at.values()))
        self.at = at


# What a form asks for, done in the visit's transaction: the decisions that ended with it.
Act = Callable[[Visit, str, dict[str, str], int | None], Awaitable[Sequence[DecisionOut]]]
# The page of the thing with this id, as it is now, with why nothing was done.
Again = Callable[[Request, Visit, str, Refusal, Entered], Awaitable[Response]]


def version_of(form: Mapping[str, str]) -> int | None:
    """The version that the form was shown with; None where it names none."""
    text = form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one kind of thing under `/{name}s/{id}`; `changer` is who else changes it."""

    name: str
    changer: str
    again: Again
    fields: int = FORM_FIELDS  # of its largest form

    def id_of(self, request: Request) -> str:
        """The id in the address."""
        return str(request.path_params[f"{self.name}_id"])

    def refused(self, error: Conflict | InvalidInput, step: str = "") -> Refusal:
        """The error of a step as the page shows it."""
        if isinstance(error, Incomplete):
            return Refusal(422, at=error.at)
        if isinstance(error, InvalidInput):
            name = error.pointer.strip("/")
            said = SAID.get(error.pointer, f"{name.capitalize()}: {error.problem}.")
            return Refusal(422, at={REASONS.get(step, name) if name == "reason" else name: said})
        if error.status == 409:
            return Refusal(409, conflict=f"{str(error).capitalize()}.")
        who = f"Someone else, or the {self.changer}, changed this {self.name} while you were reading it."
        return Refusal(409, conflict=who)

    async def back(self, request: Request) -> Response:
        """The address of a form that was refused, asked for again: the thing that it was about."""
        return render.redirect(f"/{self.name}s/{quote(self.id_of(request), safe='')}")

    def handler(self, step: str, act: Act, done: str) -> Callable[[Request], Awaitable[Response]]:
        """A handler that takes one step, and shows the thing again either way."""

        async def handle(request: Request) -> Response:
            name, form = self.id_of(request), await session.read_form(request, self.fields)
            try:
                async with session.visit(request, READ, WRITE, write=True) as visit:
                    session.check_token(form, visit.csrf)
                    if form.get(STEP) == CHANGE:
                        return await self.again(request, visit, name, Refusal(200), entered(form))
                    ended = await act(visit, name, form, version_of(form))
            except (Conflict, InvalidInput) as error:
                async with session.visit(request, READ) as visit:
                    return await self.again(request, visit, name, self.refused(error, step), entered(form))
            await tell(request.app.state.redis, ended)
            return render.redirect(f"/{self.name}s/{name}?done={done}")

        return handle

    def add(self, router: APIRouter, acts: Sequence[tuple[str, Act, str]]) -> None:
        """A form's address for each step: how it is called, what it does, what the page says afterwards."""
        for step, act, done in acts:
            path = f"/{self.name}s/{{{self.name}_id}}/{step}"
            router.add_api_route(path, self.handler(step, act, done), methods=["POST"])
            router.add_api_route(path, self.back, methods=["GET"])
