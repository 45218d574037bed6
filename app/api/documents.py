"""The OpenAPI document: what FastAPI makes of the routes, with our errors, headers and scopes in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.access.scopes import SCOPES
from app.api.problems import MEDIA_TYPE

VERSION = "1.0.0"
BASE = "/api/v1"
PATH = f"{BASE}/openapi.json"
DESCRIPTION = """Clients, alerts and the state of the service.

Every answer carries `X-Request-Id`; every error is `application/problem+json` (RFC 9457) and repeats nothing of the
request. Lists are paged by cursor. What a reviewer changes has an `ETag`, and a change needs it in `If-Match`.
Words such as `status` or `action` may gain values: tolerate new ones."""
TAGS = [
    {"name": "alerts", "description": "Records for review"},
    {"name": "campaigns", "description": "Clients that act as one, and the companies behind clients"},
    {"name": "clients", "description": "What is scored"},
    {"name": "decisions", "description": "What is done to clients, until when"},
    {"name": "service", "description": "Whether traffic is watched"},
]
REASONS = {
    400: "The cursor is not ours or belongs to another filter, or the body cannot be read",
    401: "No valid token",
    403: "The token lacks a scope",
    404: "There is no such resource",
    409: "The resource is not in a state that allows it",
    412: "The resource has changed since it was read",
    413: "The body is too large",
    422: "A parameter or a member of the body is not valid",
    428: "If-Match is missing",
    503: "A dependency does not answer",
}
ETAG: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "The version, for If-Match", "schema": {"type": "string"}}}}
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457)",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:stillwatch:problem:not_found"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["no such alert"]},
        "instance": {"type": "string", "examples": ["urn:stillwatch:request:req_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"]},
        "code": {"type": "string", "description": "Stable", "examples": ["not_found"]},
        "request_id": {"type": "string", "examples": ["req_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer, or a parameter's name"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: the errors that it can answer with; 500 is always among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    reasons = REASONS | {500: "An error of ours"}
    return {status: {"description": reasons[status], "content": content} for status in (*statuses, 500)}


def _drop_default(responses: dict[str, Any]) -> None:
    """FastAPI adds a 422 in its own format wherever there is a parameter; ours name the errors they have."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title="Stillwatch", version=VERSION, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for methods in document["paths"].values():
        for operation in methods.values():
            _drop_default(operation["responses"])
    scheme = components.get("securitySchemes", {}).get("token")
    if scheme is not None:
        scheme["x-scopes"] = SCOPES
    return document


def install(app: FastAPI) -> None:
    """Make `app.openapi()` give our document, built once."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    replacement: Callable[[], dict[str, Any]] = build
    app.openapi = replacement  # type: ignore[method-assign]
