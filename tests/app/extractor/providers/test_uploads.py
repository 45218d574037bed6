"""A batch file counts each of its lines, those inside a gap by their likely length."""

from __future__ import annotations

import json

import pytest

from app.extractor.providers import parse, read
from app.extractor.providers.uploads import read as upload
from detectors.exchange import Channel, Dialect, Operation

KIND = b"multipart/form-data; boundary=b-1"


def form(lines: list[bytes], purpose: bytes | None = b"batch", first: bool = True, name: bytes = b"file") -> bytes:
    field = b'--b-1\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n' % purpose if purpose else b""
    head = b'--b-1\r\nContent-Disposition: form-data; name="%b"; filename="x.jsonl"\r\n\r\n' % name
    file = head + b"\n".join(lines) + b"\r\n"
    return (field + file if first else file + field) + b"--b-1--\r\n"


def line(number: int, size: int = 40) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": f"Question {number} " + "x" * size}]}
    return json.dumps({"custom_id": f"r{number}", "url": "/v1/chat/completions", "body": body}).encode()


def sent(wire, body, **fields):
    headers = ((b"content-type", KIND),)
    return wire(
        "openai_upload", **{"request_headers": headers, "request_body": body, "request_bytes": len(body)} | fields
    )


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("purpose", [b"batch", None])
def test_every_line_counts(wire, first, purpose):
    exchange, cause = read(sent(wire, form([line(n) for n in range(50)] + [b"", b"rubbish"], purpose, first)))
    assert cause == ""
    assert exchange.prompts == 51
    assert (exchange.operation, exchange.channel) == (Operation.BATCH, Channel.BATCH)
    assert len(exchange.messages) == 50


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kept", [2000, 2001, 2050, 2111, 9000])
def test_lines_in_the_gap_are_worked_out(wire, first, kept):
    body = form([line(n, 40 + n % 60) for n in range(4000)], first=first)
    exchange = parse(sent(wire, body[:kept] + body[-kept:], request_bytes=len(body), request_cut=kept))
    assert exchange.truncated
    assert exchange.prompts == pytest.approx(4000, rel=0.12 if kept < 9000 else 0.06)
    assert exchange.messages[0].text.startswith("Question 0 ")
    assert exchange.prompt_chars > 4000 * 40


def test_one_line_longer_than_the_copy_is_one_prompt(wire):
    body = form([line(0, 100_000)])
    exchange = parse(sent(wire, body[:4000] + body[-4000:], request_bytes=len(body), request_cut=4000))
    assert exchange.prompts == 1


@pytest.mark.parametrize(
    "body",
    [
        form([line(0)], b"fine-tune"),
        form([line(0)], b"user_data"),
        form([b'{"messages": []}'], None),
        form([b"\x89PNG"], None),
        b"not a form",
        b"",
    ],
)
def test_other_files_are_no_prompts(wire, body):
    exchange, cause = read(sent(wire, body))
    assert (exchange.dialect, cause) == (Dialect.OPAQUE, "opaque")


def test_a_batch_file_that_is_not_understood_still_counts(wire):
    exchange, cause = read(sent(wire, form([b"a", b"b", b"c"])))
    assert (exchange.prompts, exchange.dialect, cause) == (3, Dialect.OPENAI, "")


def test_a_form_for_another_path_is_opaque(wire):
    exchange, cause = read(sent(wire, form([line(0)]), target=b"/v1/chat/completions"))
    assert (exchange.dialect, cause) == (Dialect.OPAQUE, "opaque")


def test_lines_of_several_prompts():
    lines = [json.dumps({"url": "/v1/embeddings", "body": {"input": ["a", "b", "c"]}}).encode()] * 2
    found = upload(form(lines), b"", KIND, cut=False, missing=0)
    assert found is not None
    assert found["prompts"] == 6
