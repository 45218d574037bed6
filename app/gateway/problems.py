"""The answers that the gateway makes itself: what went wrong and what to do, in the error shape of model APIs."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer of the gateway's own; it says nothing of credentials, addresses or traces."""

    status: int
    code: str
    message: str

    def body(self) -> bytes:
        """The JSON text."""
        error = {"message": self.message, "type": "stillwatch_gateway", "code": self.code}
        return json.dumps({"error": error}).encode()

    def lines(self) -> list[bytes]:
        """The header lines that belong to it, besides those of every answer."""
        return []


class Passing(Problem):
    """A refusal for the moment."""

    def lines(self) -> list[bytes]:
        """When to try again, in seconds."""
        return [b"retry-after: 1"]


BAD_HOST = Problem(400, "bad_host", "The request needs exactly one valid Host header. Send one.")
BAD_TARGET = Problem(400, "bad_target", "The request's target is not a path. Send one that begins with a slash.")
TWO_FRAMINGS = Problem(
    400,
    "ambiguous_length",
    "The request says in two ways how long its body is. Send either Content-Length or Transfer-Encoding: chunked.",
)
TWO_CREDENTIALS = Problem(
    400,
    "ambiguous_credential",
    "The request gives the same kind of credential twice, with different values. Send each header or parameter once.",
)
BAD_SYNTAX = Problem(400, "bad_request", "The request is not valid HTTP/1.1. Check its request line and headers.")
TRANSFER_CODING = Problem(
    501, "transfer_coding", "The only transfer coding that is understood is chunked. Send the body with that or none."
)
NO_UPGRADE = Problem(
    501,
    "upgrade_not_supported",
    "Of all upgrades only a WebSocket's is relayed, asked for by GET over HTTP/1.1. Use that, or the API's HTTP form.",
)
NO_ROUTE = Problem(
    404,
    "no_route",
    "No model API is configured for this path. Check the path's beginning, or have a route added for it.",
)
BAD_VERSION = Problem(505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here. Send the request as HTTP/1.1.")
HEAD_TOO_LARGE = Problem(431, "head_too_large", "The request's headers are too large. Send fewer or shorter ones.")
CONNECT_TIMEOUT = Problem(
    504, "upstream_connect_timeout", "The model API does not accept connections in time. Try again in a moment."
)
UPSTREAM_TIMEOUT = Problem(
    504,
    "upstream_timeout",
    "The model API sent nothing within the idle limit. Ask for a streamed answer, or have the limit raised.",
)
UPSTREAM_CLOSED = Problem(
    502,
    "upstream_closed",
    "The model API closed the connection without an answer. Whether it acted on the request is unknown.",
)
UPSTREAM_INVALID = Problem(
    502, "upstream_invalid", "The model API's answer is not valid HTTP/1.1. Try again, or tell whoever runs it."
)
UPSTREAM_TLS_REFUSED = Problem(
    502,
    "upstream_tls",
    "The model API ended the TLS connection, which it does where it wants another client certificate."
    " Tell whoever runs the gateway.",
)
OVERLOADED = Passing(
    503, "overloaded", "The gateway serves as many requests as it may at once. Send the request again in a moment."
)
NOT_FOUND = Problem(404, "not_found", "There is nothing at this path of the gateway's own. Leave out /_stillwatch/.")
INTERNAL = Problem(500, "internal_error", "The gateway failed on this request. Send it again; if it lasts, report it.")


def own_problem(status: int) -> Problem:
    """A refusal at one of the gateway's own paths."""
    if status == 404:
        return NOT_FOUND
    return Problem(
        status, "method_not_allowed", "This path of the gateway's own takes GET and HEAD. Send one of these."
    )


def unreachable(reason: str) -> Problem:
    """No connection to the model API, for `reason`."""
    return Problem(
        502,
        "upstream_unreachable",
        f"The gateway cannot reach the model API: {reason}. Try again; if it lasts, check the UPSTREAM setting.",
    )


def distrusted(reason: str) -> Problem:
    """No TLS connection to the model API, for `reason`."""
    return Problem(
        502,
        "upstream_tls",
        f"The gateway cannot reach the model API securely: {reason}. Nothing was sent. Whoever runs the gateway"
        " should check the model API's certificate and the gateway's TLS settings.",
    )
