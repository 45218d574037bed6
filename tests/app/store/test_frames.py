"""Frames: what goes in comes out, whatever the cuts; what is no frame is refused."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.store import frames
from app.store.frames import (
    DIALECTS,
    FRAME_LIMIT,
    OUTCOMES,
    PREFIX,
    Copy,
    Counters,
    Decoder,
    Subject,
    encode,
    pack,
    pack_whole,
)
from detectors.exchange import Outcome

steady = settings(deadline=None, derandomize=True)  # the same examples each time, however busy the machine

NAMES = st.from_regex(rb"[a-z][a-z-]{0,20}", fullmatch=True)
VALUES = st.from_regex(rb"([!-~]([ -~]{0,30}[!-~])?)?", fullmatch=True)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(tuple)
SECONDS = st.floats(0, 1e10)


@st.composite
def copies(draw):
    request, response = draw(st.binary(max_size=300)), draw(st.binary(max_size=300))
    cut, cut2 = draw(st.integers(-1, len(request))), draw(st.integers(-1, len(response)))
    return Copy(
        at=draw(SECONDS),
        client=draw(st.integers(0, 2**64 - 1)),
        peer=draw(st.ip_addresses()).compressed,
        method=draw(st.sampled_from(["GET", "POST", "DELETE"])),
        target=draw(st.binary(max_size=60)),
        request_headers=draw(HEADERS),
        request_body=request,
        request_bytes=len(request) if cut < 0 else len(request) + 1000,
        request_cut=cut,
        status=draw(st.integers(0, 999)),
        response_headers=draw(HEADERS),
        response_body=response,
        response_bytes=len(response) if cut2 < 0 else 2**40,
        response_cut=cut2,
        ttfb=draw(SECONDS),
        duration=draw(SECONDS),
        outcome=draw(st.integers(0, len(OUTCOMES) - 1)),
        dialect=draw(st.integers(0, len(DIALECTS) - 1)),
        ja4=draw(st.from_regex(r"[a-z0-9_]{0,36}", fullmatch=True)),
    )


COUNTERS = st.builds(Counters, st.text(max_size=10), st.dictionaries(st.text(max_size=8), st.integers(0, 2**53)))
RECORDS = st.lists(copies() | COUNTERS, max_size=6)


@steady
@given(RECORDS, st.randoms(use_true_random=False))
def test_round_trip_through_any_cuts(records, chance):
    data = b"".join(map(encode, records))
    decoder, got, place = Decoder(), [], 0
    while place < len(data):
        size = chance.choice((1, 3, 50, 700, 5000))
        got += decoder.feed(data[place : place + size])
        place += size
    assert got == records


@steady
@given(copies())
def test_every_cut_of_one_frame(copy):
    data = encode(copy)
    for cut in range(len(data) + 1):
        decoder = Decoder()
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == [copy]


@steady
@given(st.binary(min_size=8, max_size=200))
def test_noise_raises_nothing_but_value_errors(data):
    with contextlib.suppress(ValueError):
        Decoder().feed(data)


def test_a_frame_that_is_too_long_or_of_unknown_kind_is_refused():
    for data in (PREFIX.pack(FRAME_LIMIT + 1, 1), PREFIX.pack(10, 9), PREFIX.pack(100, 1) + bytes(100)):
        with pytest.raises(ValueError, match="frame"):
            Decoder().feed(data)


@pytest.mark.parametrize("text", [b"{}", b"[]", b"null", b"{", b'{"instance":"a","values":3}', b"[" * 100_000])
def test_a_frame_that_holds_no_counters_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        Decoder().feed(PREFIX.pack(len(text), frames.COUNTERS) + text)


def test_header_names_are_lowered_and_values_trimmed():
    copy = Copy(1.0, 1, "", "GET", b"/", ((b"X-A", b"1"),), b"", 0, -1, 0, (), b"", 0, -1, 0.0, 0.0, 0)
    (decoded,) = Decoder().feed(encode(copy))
    assert decoded == dataclasses.replace(copy, request_headers=((b"x-a", b"1"),))


def test_outcomes_are_those_of_the_detectors():
    assert [outcome.upper() for outcome in OUTCOMES] == [outcome.name for outcome in Outcome]
    assert [int(outcome) for outcome in Outcome] == list(range(len(OUTCOMES)))


def test_counters_carry_accounts():
    told = Counters("gateway-1", {"requests": 2.0}, {"00000000000000ff": "Acme · Söhne"})
    assert Decoder().feed(encode(told)) == [told]
    bare = Counters("gateway-1", {"requests": 2.0})
    assert b"accounts" not in encode(bare)
    assert Decoder().feed(encode(bare)) == [bare]


def test_counters_carry_the_start_and_do_without():
    told = Counters("gateway-1", {"requests": 2.0}, {}, 1_800_000_000.25)
    assert Decoder().feed(encode(told)) == [told]
    bare = Counters("gateway-1", {"requests": 2.0})
    assert b"started" not in encode(bare)
    assert Decoder().feed(encode(bare))[0].started == 0.0


@pytest.mark.parametrize("started", ["null", '"soon"', "[]", "1" + "0" * 400])
def test_a_start_that_is_none_is_no_frame(started):
    text = b'{"instance": "g", "values": {}, "started": %b}' % started.encode()
    with pytest.raises(ValueError, match=r"hand-off|could not convert"):
        Decoder().feed(PREFIX.pack(len(text), frames.COUNTERS) + text)


@steady
@given(copies(), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=5))
def test_a_copy_of_whole_bodies_has_the_same_frame_either_way(copy, before, after, length):
    subject = Subject(copy.peer.encode(), copy.method.encode(), copy.target, copy.dialect, copy.ja4.encode())
    asked, told, head = copy.request_body, copy.response_body, b"a: b\r\n"
    size, pieces = pack(
        copy.at, copy.client, subject, before + length + after, (asked,), len(asked), -1, copy.status, head, (told,),
        len(told), -1, copy.ttfb, copy.duration, copy.outcome,
    )  # fmt: skip
    facts = (
        copy.at, copy.client, subject, (before, after), length, asked, copy.status, head, told, copy.ttfb,
        copy.duration, copy.outcome,
    )  # fmt: skip
    frame = b"".join(pack_whole(facts))
    assert frame == b"".join(pieces)
    assert len(frame) == size
