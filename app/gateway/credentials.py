"""Which credentials a request presents, and which of them its model API reads; what must never leave with a copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes

from app.store.frames import DIALECTS

if TYPE_CHECKING:
    from app.gateway.routes import Route

SUBPROTOCOL = b"sec-websocket-protocol"  # where browsers, which can set no header, give their key
CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", SUBPROTOCOL)  # in order of precedence
KEY_PARAMETERS = (b"key", b"api-key", b"access_token")  # the query's, after them
_SESSION = b"x-amz-security-token"  # of a temporary key that signs, in a header or in an address that is signed
SECRETS = frozenset((*CREDENTIALS, _SESSION, b"proxy-authorization", b"cookie", b"set-cookie"))  # never copied
SECRET_PARAMETERS = frozenset(
    (*KEY_PARAMETERS, b"api_key", b"apikey", b"token", b"sig", _SESSION, b"x-amz-signature", b"x-goog-signature")
)
SPACE = b" \t"  # optional white space around a value, which model APIs take away

_CARRIERS = (*CREDENTIALS, *(b"?" + name for name in KEY_PARAMETERS))
# What each kind of model API reads before anything else.
_ANTHROPIC = (b"x-api-key",)
_AZURE = (b"api-key", b"?api-key")
_GEMINI = (b"x-goog-api-key", b"?key")
_BY_DIALECT: dict[str, tuple[bytes, ...]] = {"anthropic": _ANTHROPIC, "gemini": _GEMINI, "openai": (), "ollama": ()}
_BY_HOST = re.compile(rb"\.(?:(anthropic\.com)|(azure\.com)|(openai\.com))(?::\d+)?\Z", re.IGNORECASE)
# A path that a model API may read as another one says nothing: it has dot segments, escapes, parameters.
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~:@,=-][A-Za-z0-9._~:@,=-]*)+/?")
_BY_PATH = re.compile(
    rb"(/messages(?:/count_tokens|/batches(?:/[^/]+){0,2})?/?\Z)"
    rb"|(/openai/deployments/[^/]+/)"
    rb"|(/(?:models|tunedModels|endpoints|dynamic)/[^/:]+:[A-Za-z]+\Z)"
)
_NO_ANTHROPIC = re.compile(rb"/(?:threads|completions)/")  # OpenAI's own messages lie below these
_SCHEMES = {name.lower(): name for name in (b"Basic", b"Token", b"Key", b"ApiKey", b"Api-Key")}
# A request's own signature, made with a key that the client keeps: what stays the same is the key's id.
_SIGNED = (b"aws4-hmac-sha256", b"aws4-ecdsa-p256-sha256")
_KEY_ID = re.compile(rb"(?:^|[,\s])Credential=([^/,\s]+)/")
_OF_SIGNATURE = b"AWS4 "  # stands before such an id
_SUBPROTOCOL_KEY = re.compile(rb"(?:^|[,\s])openai-insecure-api-key\.([^,\s]+)")
_PARAMETER = re.compile(rb"([^&;=?]*)=([^&;]*)")  # in any reading of a query

# Some servers read an underscore in a header's name as a hyphen.
SPELLINGS = {
    b"".join(b"%b%b" % pair for pair in zip(parts, (*marks, b""), strict=True)): name
    for name in CREDENTIALS
    for parts in (name.split(b"-"),)
    for marks in product((b"-", b"_"), repeat=len(parts) - 1)
}

Headers = list[tuple[bytes, bytes]]


def _authorization(value: bytes) -> bytes:
    """An Authorization value without the word Bearer; of another scheme, in the scheme's usual spelling.

    Of a signature, which is another one for each request, the id of the key that made it: the model API lets nobody
    through who names another's, and of two ids it takes neither.
    """
    scheme, *rest = value.split(None, 1)
    while rest and scheme.lower() == b"bearer":
        scheme, *rest = rest[0].split(None, 1)
    if not rest:
        return b"" if scheme.lower() == b"bearer" else scheme
    ids = _KEY_ID.findall(rest[0]) if scheme.lower() in _SIGNED else ()
    if len(ids) == 1:
        return _OF_SIGNATURE + cast(bytes, ids[0])
    return _SCHEMES.get(scheme.lower(), scheme) + b" " + rest[0]


def only_named(credential: bytes) -> bool:
    """Whether a credential is the id of a key alone: no secret, so that whoever presents it need not have the key."""
    return credential.startswith(_OF_SIGNATURE)


def _in_header(name: bytes, text: bytes) -> Iterable[bytes]:
    """The credentials in a header, by its usual name; mostly one."""
    value = text.strip(SPACE)
    if name == SUBPROTOCOL:
        return cast(list[bytes], _SUBPROTOCOL_KEY.findall(value))
    return (_authorization(value) if name == b"authorization" and value else value,)


def _in_query(query: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What carries a credential in a query, and the credential."""
    for pair in query.split(b"&"):
        escaped, _, text = pair.partition(b"=")
        name = unquote_to_bytes(escaped.replace(b"+", b" "))
        if text and name in KEY_PARAMETERS:
            yield b"?" + name, unquote_to_bytes(text.replace(b"+", b" ")).strip(SPACE)


def presented(headers: Headers, query: bytes) -> dict[bytes, bytes] | None:
    """The credentials by what carries them; None where one carrier has two, of which readers may take either."""
    found: dict[bytes, bytes] = {}
    for header, text in headers:
        name = SPELLINGS.get(header.lower())
        if name is not None:
            for credential in _in_header(name, text):
                if credential and found.setdefault(name, credential) != credential:
                    return None
    if b"=" in query:
        for name, credential in _in_query(query):
            if credential and found.setdefault(name, credential) != credential:
                return None
    return found


def ranked(found: dict[bytes, bytes], first: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    """Different credentials, the one that the model API reads before the others; `first`: where it looks first."""
    if len(found) < 2:
        return tuple(found.values())
    order = (*first, *_CARRIERS)
    return tuple(dict.fromkeys(found[carrier] for carrier in order if carrier in found))


def read_first(route: Route, path: bytes) -> tuple[bytes, ...]:
    """Where the model API of a route looks for a credential before Authorization, at the path that goes on.

    Asked only where a request presents several: whoever could choose which one names him could choose his name.
    """
    host = _BY_HOST.search(b"." + route.host)
    if host is not None:
        return (_ANTHROPIC, _AZURE, ())[host.lastindex - 1] if host.lastindex else ()
    dialect = DIALECTS[route.dialect]
    if dialect in _BY_DIALECT:
        return _BY_DIALECT[dialect]
    path = path.partition(b"?")[0]
    match = _BY_PATH.search(path) if _PLAIN_PATH.fullmatch(path) else None
    if match is None or (match[1] and _NO_ANTHROPIC.search(path)):
        return ()
    return (_ANTHROPIC, _AZURE, _GEMINI)[match.lastindex - 1] if match.lastindex else ()


def scrub(target: bytes) -> bytes:
    """`target` with the values of its query's credentials removed."""
    path, mark, query = target.partition(b"?")
    return path + mark + _PARAMETER.sub(_without_secret, query) if mark else target


def _without_secret(match: re.Match[bytes]) -> bytes:
    name: bytes = match[1]
    return name + b"=" if unquote_to_bytes(name).lower() in SECRET_PARAMETERS else match[0]
