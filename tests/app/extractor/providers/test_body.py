"""Bodies are decoded within bounds; what cannot be decoded is named."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extractor.providers import body
from app.extractor.providers.body import document, header, plain

TEXT = json.dumps({"text": "water " * 400}).encode()


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (b"", TEXT),
        (b"identity", TEXT),
        (b"gzip", gzip.compress(TEXT, mtime=0)),
        (b"X-GZIP", gzip.compress(TEXT, mtime=0)),
        (b"gzip, identity", gzip.compress(TEXT, mtime=0)),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", bare(TEXT)),
        (b"gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
    ],
)
def test_encodings(encoding, data):
    assert plain(data, -1, encoding)[:4] == (TEXT, b"", False, "")


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, br", b"gzip, gzip", b"\xff"])
def test_an_encoding_that_we_do_not_read_is_named(encoding):
    assert plain(b"whatever", -1, encoding)[:4] == (b"", b"", True, "encoding")


CODINGS = [b"br", b"gzip", b"deflate", b"zstd", b"x", b"utf-8", b"gzip, br", b"identity, deflate"]


@pytest.mark.parametrize("encoding", CODINGS)
@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        b" \r\n\t" * 2000 + TEXT,
        b"\xef\xbb\xbf" + TEXT,
        b'{"a": "\xff\x9f"}',  # no UTF-8, which Go's parsers take
        json.dumps({"text": "ĀЖ漢"}, ensure_ascii=False).encode("utf-16"),
        json.dumps({"text": "ĀЖ漢"}, ensure_ascii=False).encode("utf-16-be"),
        json.dumps({"text": "ĀЖ漢"}, ensure_ascii=False).encode("utf-32"),
        b'[{"a": 1}]',
        b"--boundary\r\n",
        b"data: {}\n\n",
        b"messages=%5B%5D",
        b'{"wmsuwftyvok  ":1}',  # bare deflate too, of other bytes
    ],
)
def test_a_plain_text_is_plain_whatever_its_header_says(data, encoding):
    assert plain(data, -1, encoding)[:4] == (data, b"", False, "")
    assert plain(data, 1, encoding)[:4] == (data[:1], data[1:], True, "")


def test_what_is_compressed_and_begins_like_a_text_is_none():
    brotli = bytes.fromhex(
        "5bc6b424a2bad9c35f227a567bf100e812181c13f80fd3b21dd7e3f5f9edf4076fca7fbd2c3ca0b44cd929716239"
    )
    assert plain(brotli, -1, b"br")[:4] == (b"", b"", True, "encoding")


def test_a_gap_leaves_head_and_tail():
    assert plain(b"headtail", 4, b"")[:4] == (b"head", b"tail", True, "")


def test_a_compressed_body_with_a_gap_gives_its_head():
    squeezed = gzip.compress(TEXT, 1)
    found = plain(squeezed[:60] + b"tail", 60, b"gzip")
    assert found.head
    assert TEXT.startswith(found.head)
    assert found.cut
    assert not found.tail


def test_a_bomb_is_stopped(monkeypatch):
    monkeypatch.setattr(body, "DECODED_LIMIT", 100_000)
    found = plain(gzip.compress(bytes(10_000_000)), -1, b"gzip")
    assert len(found.head) == 100_000
    assert found.cut


def test_a_body_grows_to_a_multiple_of_its_length_and_is_counted_beyond():
    for encoding, squeeze in ((b"gzip", gzip.compress), (b"deflate", zlib.compress), (b"deflate", bare)):
        data = squeeze(bytes(6_000_000))
        found = plain(data, -1, encoding)
        assert len(found.head) == body.RATIO * len(data)
        assert found.cut
        assert not found.problem
        assert found.grown * len(data) == pytest.approx(6_000_000, rel=0.01)
        assert len(plain(data, -1, encoding, 16).head) == 16 * len(data)


def test_a_short_body_may_grow_to_its_least():
    assert plain(gzip.compress(bytes(body.DECODED_LEAST)), -1, b"gzip")[:4] == (
        bytes(body.DECODED_LEAST),
        b"",
        False,
        "",
    )
    assert len(plain(gzip.compress(bytes(body.DECODED_LEAST + 1)), -1, b"gzip").head) == body.DECODED_LEAST


def test_a_batch_of_one_long_template_is_read_whole():
    template = " ".join(f"word{number * number % 977}" for number in range(600))
    fills = [hashlib.sha256(b"%d" % number).hexdigest()[:40] for number in range(1700)]  # a question's worth
    data = "\n".join(f'{{"prompt": "{template} {fill}"}}' for fill in fills).encode()
    squeezed = gzip.compress(data, mtime=0)
    assert len(data) > 60 * len(squeezed)
    assert plain(squeezed, -1, b"gzip")[:4] == (data, b"", False, "")


def test_of_millions_of_values_the_beginning_is_kept():
    for unit in (b"[],", b'{"a":1},', b'"a",', b"\n"):
        data = unit * (4_000_000 // len(unit) * 2)
        found = plain(gzip.compress(data), -1, b"gzip", 10_000)
        assert found.cut
        assert sum(found.head.count(sign) for sign in (b"[", b"{", b'"', b"\n")) <= 2 * body.MARKS_LIMIT
    prose = b"many words, and (marks); " * 100_000
    assert plain(gzip.compress(prose), -1, b"gzip", 10_000).head == prose


@given(st.lists(st.binary(max_size=60).map(lambda data: data * 9), min_size=1, max_size=4), st.integers(1, 40))
def test_pieces_lose_nothing(members, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "_STEP", step)
        patch.setattr(body, "_PIECE", step)
        data = b"".join(gzip.compress(member, mtime=0) for member in members)
        found = plain(data, -1, b"gzip")
        assert found[:4] == (b"".join(members), b"", False, "")
        assert found.grown == pytest.approx(len(found.head) / len(data))


def test_corrupt_data_keep_what_came_before():
    squeezed = bytearray(gzip.compress(bytes(range(256)) * 2000, 0))
    squeezed[200_000:200_100] = b"\xff" * 100
    squeezed[-8:] = b"\0" * 8
    found = plain(bytes(squeezed), -1, b"gzip")
    assert found.problem == "corrupt"
    assert len(found.head) > 100_000


@given(st.binary(max_size=300), st.integers(-1, 300), st.sampled_from([b"", b"gzip", b"deflate", b"br", b"gzip,"]))
def test_any_bytes_are_taken(data, cut, encoding):
    plain(data, min(cut, len(data)), encoding)


def test_header_gives_the_first_of_several():
    assert header(((b"a", b"1"), (b"b", b"2"), (b"b", b"3")), b"b") == b"2"
    assert header((), b"b") == b""


def test_document_takes_what_strict_parsers_refuse():
    assert document(b'{"a": NaN}')["a"] != 0
    assert document(b'{"a": "\\ud800"}') == {"a": "\ud800"}


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000])
def test_document_raises_only_value_error(data):
    with pytest.raises(ValueError):  # noqa: PT011  the promise is the type alone
        document(data)
