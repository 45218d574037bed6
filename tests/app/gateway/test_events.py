"""The filter of event streams: the reasoning goes, every other byte stays, wherever the stream is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway import events
from app.gateway.events import EventFilter


def sse(*documents, end="\n\n"):
    return b"".join(f"data: {json.dumps(document)}{end}".encode() for document in documents)


def chunk(delta, **more):
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


CHAT = (
    sse(chunk({"role": "assistant", "content": ""}), chunk({"reasoning_content": "think"}))
    + b": comment on reasoning\n\n"
    + sse(chunk({"content": "hi \u00e9"}), chunk({"reasoning_content": "r", "content": "both"}))
    + sse({"id": "c", "choices": [], "usage": {"completion_tokens_details": {"reasoning_tokens": 7}}})
    + b"data: [DONE]\n\n"
)
ANTHROPIC = b"".join(
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    for event in (
        {"type": "message_start", "message": {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "secret"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "on thinking"}},
        {"type": "message_stop"},
    )
)


def passed(stream, *cuts):
    found, place, out = EventFilter(), 0, []
    for cut in (*sorted(cuts), len(stream)):
        out.append(found.feed(stream[place:cut]))
        place = cut
    return b"".join([*out, found.end()])


def test_a_chat_keeps_its_answer_and_loses_its_reasoning():
    out = passed(CHAT)
    assert b"think" not in out
    assert out.count(b"reasoning_content") == 0
    assert b": comment on reasoning\n\n" in out
    assert b"reasoning_tokens" in out
    told = [json.loads(line[6:]) for line in out.split(b"\n") if line.startswith(b"data: {")]
    assert [c["choices"][0]["delta"] for c in told if c["choices"]] == [
        {"role": "assistant", "content": ""},
        {"content": "hi \u00e9"},
        {"content": "both"},
    ]
    assert out.endswith(b"data: [DONE]\n\n")


class Counting:
    """A pattern that counts the bytes it is given to search."""

    def __init__(self, pattern):
        self.pattern, self.searched = pattern, 0

    def search(self, data, start=0):
        self.searched += len(data) - start
        return self.pattern.search(data, start)

    def finditer(self, data, start=0):
        self.searched += len(data) - start
        return self.pattern.finditer(data, start)


@pytest.mark.parametrize("step", [1, 100, 1448])
def test_a_long_event_in_small_pieces_is_searched_once(monkeypatch, step):
    counting = Counting(events._END)
    monkeypatch.setattr(events, "_END", counting)
    stream = b"data: " + b"x" * 100_000 + b"\r\n\r\n" + sse({"a": 1})
    assert passed(stream, *range(step, len(stream), step)) == stream
    assert counting.searched < 5 * len(stream)


def test_an_end_is_found_wherever_it_is_cut():
    for end in (b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\n", b"\n\r\n"):
        stream = b"data: 1" + end + b"data: 2" + end
        for cut in range(1, len(stream)):
            found = EventFilter()
            found.feed(stream[:cut])
            found.feed(stream[cut:])
            assert found.rest() in (b"", b"\n")  # a line's end in two pieces may be told apart


def test_a_message_keeps_its_blocks_in_order():
    out = passed(ANTHROPIC)
    assert b"secret" not in out
    assert out == ANTHROPIC.replace(next(part for part in ANTHROPIC.split(b"\n\n") if b"secret" in part) + b"\n\n", b"")


@pytest.mark.parametrize(
    "kind",
    ["reasoning_text.delta", "reasoning_summary_text.delta", "reasoning_summary_part.added", "reasoning_text.done"],
)
def test_events_about_reasoning_alone_are_left_out(kind):
    before = sse({"type": "response.created"})
    assert passed(before + sse({"type": f"response.{kind}", "delta": "r"}) + before) == before * 2


@pytest.mark.parametrize("stream", [CHAT, ANTHROPIC])
def test_wherever_the_stream_is_cut(stream):
    whole = passed(stream)
    for cut in range(len(stream)):
        assert passed(stream, cut) == whole
    assert passed(stream, *range(len(stream))) == whole


@pytest.mark.parametrize("end", ["\r\n\r\n", "\r\r", "\n\n"])
def test_every_line_ending(end):
    stream = sse(chunk({"content": "a"}), end=end) * 2
    with_reasoning = sse(chunk({"content": "a"}), chunk({"reasoning": "r"}), chunk({"content": "a"}), end=end)
    for cut in range(len(with_reasoning)):
        assert passed(with_reasoning, cut).replace(b"\n", b"").replace(b"\r", b"") == stream.replace(
            b"\n", b""
        ).replace(b"\r", b"")


def test_an_event_that_cannot_be_read_passes_and_is_counted():
    found = EventFilter()
    stream = b"data: {reasoning\n\n"
    assert (found.feed(stream), found.untouched) == (stream, 1)
    assert found.feed(CHAT[:0]) == b""


def test_an_endless_event_is_not_kept(monkeypatch):
    monkeypatch.setattr(events, "LIMIT", 1000)
    found, stream = EventFilter(), b"data: " + b"x" * 5000
    out = b"".join(found.feed(stream[start : start + 100]) for start in range(0, len(stream), 100))
    assert out + found.end() == stream
    assert found.untouched == 1
    assert len(found._held) == 0


def test_the_last_event_may_lack_its_empty_line():
    assert passed(sse(chunk({"content": "a"}))[:-1]) == sse(chunk({"content": "a"}))[:-1]
    assert passed(sse(chunk({"reasoning": "secret"}))[:-2]) == b""


@given(st.lists(st.sampled_from([b"\r", b"\n", b"data: ", b"x", b"reasoning", b"{}", b":"]), max_size=40), st.data())
def test_a_stream_without_reasoning_is_untouched_byte_for_byte(parts, data):
    stream = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    assert passed(stream, *cuts) == stream
