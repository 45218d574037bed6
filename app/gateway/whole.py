"""An answer that comes whole in one piece, as most do: one look tells that it can go on as it is."""

from __future__ import annotations

import re
from typing import Final

# A line that concerns nobody but the two ends: one that the parser accepts, and whose name does not begin like any of
# those of which heads.RESPONSE_RULES or the parser make something. Length and type are read below.
_PLAIN: Final = (
    rb"(?:\r\n(?![cC][oO](?:[nN](?:[nN]|[tT][eE][nN][tT]-[lLtT])|[oO])|[kK][eE][eE]|[pP][rR][oO][xX]"
    rb"|[tT](?:[eE]|[rR][aA])|[uU][pP]|[sS][eE][cCtT]|[aA](?:[uU][tT]|[pP][iI])|[xX]-(?:[aA]|[gG][oO]))"
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\x00-\x08\x0a-\x1f\x7f]*+)*+"
)
_TYPE: Final = rb"\r\n[cC]ontent-[tT]ype: ?(?:application/json|text/plain)(?:; ?charset=[\w-]++)?"
_LENGTH: Final = rb"\r\n[cC]ontent-[lL]ength: ?(\d{1,12})"
_USUAL: Final = re.compile(
    rb"HTTP/1\.1 200 OK(%(any)b(?:%(type)b%(any)b%(length)b|%(length)b%(any)b(?:%(type)b)?)%(any)b\r\n)\r\n"
    % {b"any": _PLAIN, b"type": _TYPE, b"length": _LENGTH}
)


def split(data: bytes) -> tuple[bytes, bytes] | None:
    """The header lines and the body of an answer that is whole in `data` and can go to the client as it stands.

    Such an answer has the status 200, one length that is true, no coding, and no line that is for one hop or secret.
    CR LF stands behind each line and not before the first.
    """
    found = _USUAL.match(data)
    if found is None:
        return None
    body = data[found.end() :]
    return (found[1][2:], body) if len(body) == int(found[2] or found[3]) else None
