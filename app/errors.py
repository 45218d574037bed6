"""The error tree; each class has an HTTP status and a stable code.

StillwatchError
├── SettingError      a setting is missing or wrong; names it and the remedy (exit code 2)
├── Unavailable       a dependency does not answer (503)
├── LeaseLost         another process owns the partition, or the linking; nothing was committed
├── InvalidInput      the caller's input; names the field (422; at the command line exit code 2)
│   └── CursorMismatch   a cursor of another filter (400)
├── Unauthenticated   no valid token (401)
├── Forbidden         the token lacks a scope (403)
├── NotFound          no such resource (404)
└── Conflict          the resource is not in a state that allows it (409)
    ├── PreconditionRequired   If-Match is missing (428)
    └── PreconditionFailed     If-Match names an older version (412)
"""

from __future__ import annotations

from typing import ClassVar


class StillwatchError(Exception):
    """Root of all errors that we raise on purpose."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"


class SettingError(StillwatchError):
    """A setting is missing or wrong."""

    code = "setting_error"
    title = "Wrong setting"

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        super().__init__(f"{setting}: {problem}. Remedy: {remedy}")
        self.setting = setting


class Unavailable(StillwatchError):
    """A dependency does not answer."""

    status = 503
    code = "unavailable"
    title = "A dependency does not answer"


class LeaseLost(StillwatchError):
    """Another process owns the partition, or the linking; nothing was committed."""

    code = "lease_lost"
    title = "Lease lost"


class InvalidInput(StillwatchError):
    """The caller's input is wrong; `pointer` is a JSON pointer or a parameter's name."""

    status = 422
    code = "invalid_input"
    title = "Invalid input"

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem


class CursorMismatch(InvalidInput):
    """A cursor that belongs to another filter, or is no cursor of ours."""

    status = 400
    code = "cursor_filter_mismatch"
    title = "Cursor does not fit"


class Unauthenticated(StillwatchError):
    """No valid token was given."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(StillwatchError):
    """The token lacks a scope."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(StillwatchError):
    """No such resource."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(StillwatchError):
    """The resource is not in a state that allows it."""

    status = 409
    code = "conflict"
    title = "Conflict"


class PreconditionRequired(Conflict):
    """If-Match is missing."""

    status = 428
    code = "precondition_required"
    title = "If-Match required"


class PreconditionFailed(Conflict):
    """If-Match names an older version."""

    status = 412
    code = "precondition_failed"
    title = "The resource has changed"
