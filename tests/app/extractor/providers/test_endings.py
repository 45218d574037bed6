"""What stands behind a gap keeps its place: messages their roles, whatever order a client writes fields in."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from app.extractor.providers import parse
from app.extractor.providers.endings import continued
from detectors.event import Flag
from detectors.features import events

SYSTEM = "You are kind, brief and right."
TALK = [(("user", "assistant")[turn % 2], f"turn {turn}: " + "so it goes " * (2 + turn * 7 % 5)) for turn in range(61)]
RESULT = {"tool_use_id": "t1", "type": "tool_result", "content": "It holds 7 lines."}
USE = {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a.py", "lines": [1, 2]}}


def turned(message):
    return dict(reversed(message.items()))


def blocks(role, text):
    return {"role": role, "content": [{"type": "text", "text": text}]}


def contents(role, text):
    return {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}


def plain(role, text):
    return {"role": role, "content": text}


ANTHROPIC = {
    "max_tokens": 5,
    "messages": [blocks(*one) for one in TALK],
    "model": "m",
    "system": [{"type": "text", "text": SYSTEM}],
    "tools": [{"name": "read", "description": 'its "role": "user"', "input_schema": {"type": "object"}}],
}
AGENT = {**ANTHROPIC, "messages": [*ANTHROPIC["messages"], {"role": "assistant", "content": [USE]}]}
AGENT["messages"].append({"role": "user", "content": [RESULT]})
GEMINI = {
    "contents": [turned(contents(*one)) for one in TALK],
    "systemInstruction": {"parts": [{"text": SYSTEM}], "role": "user"},
    "generationConfig": {"temperature": 0.5},
}
RESPONSES = {
    "input": [
        *(plain(*one) for one in TALK),
        {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "It holds 7 lines."},
    ],
    "instructions": SYSTEM,
    "model": "m",
    "previous_response_id": "r_1",
    "tools": [{"type": "function", "name": "read", "parameters": {}}],
}
KINDS = {
    "anthropic": ("/v1/messages", ANTHROPIC),
    "anthropic, system a text": ("/v1/messages", {**ANTHROPIC, "system": SYSTEM}),
    "anthropic, tool result last": ("/v1/messages", AGENT),
    "anthropic, content first": ("/v1/messages", {**AGENT, "messages": [turned(one) for one in AGENT["messages"]]}),
    "gemini": ("/v1beta/models/g:generateContent", GEMINI),
    "gemini, role first": (
        "/v1beta/models/g:generateContent",
        {**GEMINI, "contents": [contents(*one) for one in TALK]},
    ),
    "chat, content first": (
        "/v1/chat/completions",
        {"messages": [turned(plain(*one)) for one in [("system", SYSTEM), *TALK]], "model": "m"},
    ),
    "responses": ("/v1/responses", RESPONSES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_cut_conversation_the_end_is_read_as_of_a_whole_one(wire, kind):
    path, body = KINDS[kind]
    raw = json.dumps(body).encode()
    sent = {"target": path.encode(), "request_bytes": len(raw)}
    whole = parse(wire("openai_chat", **sent, request_body=raw, request_cut=-1))
    of_whole = events([whole], seed=1)[0]
    for half in range(900, 1_160):
        kept = raw[:half] + raw[-half:]
        found = parse(wire("openai_chat", **sent, request_body=kept, request_cut=half))
        said = events([found], seed=1)[0]
        assert found.messages[-1] == whole.messages[-1]
        for name in ("payload", "system", "head4", "tail6", "opening"):
            assert said[name] == of_whole[name], (name, half)
        assert Flag(int(said["flags"])) ^ Flag(int(of_whole["flags"])) == Flag.TRUNCATED
        of_users = "".join(one.text for one in found.messages if one.role == "user")
        assert "kind, brief" not in of_users
        assert "7 lines" not in of_users
        assert (found.tools, found.temperature, found.continued) == (whole.tools, whole.temperature, whole.continued)


def behind(tail, begun=None, place="messages"):
    return continued(begun or {}, tail, place)[place]


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        (b'gone"},{"role":"user","content":"A"}]}', [plain("user", "A")]),
        (b'"},{"role":"user","content":"A \\" B"}]}', [plain("user", 'A " B')]),
        (b'\\" gone"}]},{"role":"user","content":"A"}]} \n', [plain("user", "A")]),
        (b',{"role":"user","content":"A"}],"model":"m"}', [plain("user", "A")]),
        (b'gone"},{"type":"text","text":"A"}]}]}', [blocks("user", "A")]),
        (
            b'gone"},{"type":"text","text":"A"}]},{"role":"user","content":"B"}]}',
            [blocks("assistant", "A"), plain("user", "B")],
        ),
        (b'gone"},{"type":"text","text":"A"}],"role":"assistant"}]}', [blocks("assistant", "A")]),
        (b'gone"}],"role":"assistant"}]}', []),
        (b'l","tool_call_id":"c","content":"A"}]}', [{"role": "tool", "tool_call_id": "c", "content": "A"}]),
        (b'one"},{"name":"read","input_schema":{}}]}', []),
        (b'gone","model":"m"}', []),
        (b"}", []),
    ],
)  # fmt: skip
def test_messages_behind_a_gap(tail, found):
    assert behind(tail) == found


def test_what_a_torn_message_would_make_of_those_before_it():
    begun = {"model": "m", "messages": [plain("user", "A"), plain("assistant", "B")]}
    assert behind(b'gone"}],"model":"other"}', begun) == [plain("user", "A")]
    assert continued(begun, b'gone"}],"model":"other"}', "messages")["model"] == "m"
    assert behind(b',"stop":"x"}', begun) == begun["messages"]
    asked, result = plain("user", "A"), {"tool_use_id": "t1"}
    for last, kept in (
        ({"role": "user"}, []),
        ({"role": "user", "content": [{"type": "te"}]}, []),
        ({"content": "B"}, [plain("assistant", "B")]),
        ({"role": "user", "content": [result]}, [{"role": "user", "content": [{**result, "type": "tool_result"}]}]),
    ):
        assert behind(b',"stop":"x"}', {"messages": [asked, last]}) == [asked, *kept]


@pytest.mark.parametrize(
    "tail", [b"", b"x", b'"', b"]", b'{"a":1}', b'gone"}]', b'gone"}} x', b"}" * 3 + b"]", b'a"}]}\xff']
)
def test_what_ends_no_object_is_refused(tail):
    with pytest.raises(ValueError):  # noqa: PT011  the promise is the type alone
        continued({}, tail, "messages")


@pytest.mark.parametrize("piece", [b"}", b"]}", b'"', b'\\"', b',"', b"{", b'"a":{},', b"}]}]"])
def test_hostile_ends_take_linear_time(piece):
    begun = time.process_time()
    for end in (b"", b'"}]}', b"}]}]}"):
        with contextlib.suppress(ValueError):
            continued({}, piece * (262_144 // len(piece)) + end, "messages")
    assert time.process_time() - begun < 3
