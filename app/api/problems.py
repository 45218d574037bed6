"""RFC 9457 problem details: what every error of the API looks like; nothing of the request is ever repeated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.schemas import TEXT
from app.errors import InvalidInput, PreconditionFailed, StillwatchError, Unauthenticated, Unavailable
from app.models.vocabulary import Disposition

MEDIA_TYPE = "application/problem+json"
SILENT = frozenset({"value_error", "assertion_error", "extra_forbidden", "json_invalid", "union_tag_invalid"})
HINTS = {"/disposition": f"choose one of {', '.join(Disposition)}"}
BODY_HINT = "send a JSON object as the body, with Content-Type: application/json"
MOMENT_HINT = "give a moment with its offset, such as 2026-01-31T12:00:00Z"
PATTERN_HINTS = {
    r"^cl_[0-9a-f]{16}$": "give a client's id: cl_ and 16 hexadecimal digits",
    r"\S": "give some text, not blanks alone",
    r"^[0-9a-f]{8}$": "give hashes of 8 hexadecimal digits, as `stillwatch ledger hashes FILE` prints them",
    TEXT: "leave out the character NUL",
}
_PLAIN = re.compile(r"(?=.{1,24}$)[a-z]+(_[a-z]+)*", re.ASCII)  # a name as ours are, though it is none of them
_WORDS = re.compile(r"[a-z][a-z_]+", re.ASCII)
RETRY_SECONDS = 5
_CHANGED = re.compile(r"(/api/v1/[a-z]+/[a-z]+_[0-9a-f-]{36})/[a-z]+(?:/[a-z]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: `code` is stable, `title` is the same for each of a code, `detail` is about this one."""

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[dict[str, str]] = ()
    headers: dict[str, str] = field(default_factory=dict)


def respond(problem: Problem, request_id: str) -> Response:
    """The problem as an answer."""
    body: dict[str, Any] = {
        "type": f"urn:stillwatch:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:stillwatch:request:{request_id}",
        "code": problem.code,
        "request_id": request_id,
        "errors": list(problem.errors),
    }
    return Response(json.dumps(body), problem.status, problem.headers, MEDIA_TYPE)


def of_error(error: StillwatchError, path: str) -> Problem:
    """The problem that one of our own errors is."""
    headers: dict[str, str] = {}
    errors: list[dict[str, str]] = []
    detail = str(error)
    if isinstance(error, InvalidInput):
        errors.append({"pointer": error.pointer, "code": error.code, "message": error.problem})
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="stillwatch"'
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, PreconditionFailed):
        latest = _CHANGED.fullmatch(path)
        if latest is not None:  # the path is the caller's text: only what can be an id of ours goes into a header
            headers["Link"] = f'<{latest[1]}>; rel="latest-version"'
    return Problem(error.status, error.code, error.title, detail, errors, headers)


def _pointer(location: Sequence[int | str], kind: str) -> str:
    """A JSON pointer into the body, else the parameter's name; of an unknown name only what can be no secret."""
    where, *rest = location or ("body",)
    if kind == "extra_forbidden" and rest and not _PLAIN.fullmatch(str(rest[-1])):
        rest = rest[:-1]
    if where == "body":
        return "".join(f"/{part}" for part in rest if not isinstance(part, int)) if kind != "json_invalid" else ""
    return ".".join(str(part) for part in rest) or str(where)


def hint_of(pattern: str) -> str:
    """What a text should be, where it is not what a regular expression asks for; that says nothing to most readers."""
    if pattern in PATTERN_HINTS:
        return PATTERN_HINTS[pattern]
    words = ", ".join(dict.fromkeys(_WORDS.findall(pattern)))
    if ",-?" in pattern:
        return f"give up to four of {words}, joined by commas, each with a minus sign in front for falling"
    return f"choose some of {words}, joined by commas" if "(,(" in pattern else f"choose one of {words}"


def _message(item: Mapping[str, Any], pointer: str, known: Sequence[str]) -> str:
    kind, text = str(item["type"]), str(item["msg"])
    if kind in ("missing", "enum") and pointer in HINTS:
        return HINTS[pointer]
    if tuple(item["loc"]) == ("body",) and kind in ("missing", "model_attributes_type", "dict_type", "model_type"):
        return BODY_HINT
    if kind == "string_pattern_mismatch":
        return hint_of(str(item["ctx"]["pattern"]))
    if kind.startswith(("datetime_", "timezone_")):
        return MOMENT_HINT
    if kind == "extra_forbidden":
        what = "there is a name that we do not know"
        return f"{what}; this address takes {', '.join(known)}" if item["loc"][0] == "query" and known else what
    return "it is not valid" if kind in SILENT else text


def of_validation(error: RequestValidationError, known: Sequence[str] = ()) -> Problem:
    """The problem that a rejected request is: which parameters or members, and what they should be.

    `known` are the parameters that the address takes.
    """
    errors = []
    for item in error.errors():
        kind = str(item["type"])
        if kind == "json_invalid":
            return Problem(400, "bad_request", "Bad Request", f"the body is not JSON: {BODY_HINT}")
        pointer = _pointer(item["loc"], kind)
        errors.append({"pointer": pointer, "code": kind, "message": _message(item, pointer, known)})
    first = errors[0] if errors else {"pointer": "", "message": "the request is not valid"}
    detail = f"{first['pointer']}: {first['message']}" if first["pointer"] else first["message"]
    return Problem(422, InvalidInput.code, InvalidInput.title, detail, errors)


def of_http(error: HTTPException) -> Problem:
    """The problem that the framework's own refusal is: no such path, no such method, an unreadable body."""
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    details = {404: "there is nothing at this address", 405: "this address does not take this method"}
    detail = details.get(error.status_code, "the request could not be read")
    return Problem(error.status_code, code, phrase, detail, (), dict(error.headers or {}))


def _parameters(request: Request) -> list[str]:
    """The names of the parameters that the route of a request takes."""
    route = request.scope.get("route")
    models = [one.field_info.annotation for one in route.dependant.query_params] if isinstance(route, APIRoute) else []
    return sorted(name for model in models for name in getattr(model, "model_fields", {}))


def request_id(request: Request) -> str:
    """The id that the edge gave this request."""
    return str(request.state.request_id)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, StillwatchError)
        return respond(of_error(error, request.url.path), request_id(request))

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(of_validation(error, _parameters(request)), request_id(request))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return respond(of_http(error), request_id(request))

    async def redis(request: Request, _error: Exception) -> Response:
        away = Unavailable("Redis does not answer")
        return respond(of_error(away, request.url.path), request_id(request))

    app.add_exception_handler(StillwatchError, ours)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RedisError, redis)
