"""The plays find what they are for: a way through the gateway that differs from what the parser says."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.gateway import relay, splice, whole
from bench.gateway.fuzz import decoded, make_target, unguided
from bench.gateway.script import Choices


@pytest.fixture
def target(tmp_path):
    loop = asyncio.new_event_loop()
    yield make_target(loop, tmp_path)
    loop.close()


def test_no_play_fails_and_one_is_always_the_same(target):
    chance = random.Random(5)
    for _ in range(150):
        target(chance.randbytes(chance.randrange(8, 400)))


def test_a_chunk_that_passes_altered_is_found(target, monkeypatch):
    def careless(connection, client, *rest):
        class Client:
            write_paused = False

            def write(self, chunk):
                client.write(chunk.replace(b"data", b"DATA"))

        return splice.passing(connection, Client(), *rest)

    monkeypatch.setattr(relay, "passing", careless)
    with pytest.raises(AssertionError):
        unguided(target, 30.0, 1)


def test_an_answer_that_passes_although_it_is_not_whole_is_found(target, monkeypatch):
    def careless(data):
        found = whole._USUAL.match(data)
        return None if found is None else (found[1][2:], data[found.end() :])

    monkeypatch.setattr("app.gateway.swift.split", careless)
    with pytest.raises(AssertionError):
        unguided(target, 30.0, 1)


def test_a_body_is_read_as_a_strict_client_reads_it():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked"
    assert decoded(head, b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") == (b"abc", True)
    assert decoded(head, b"2\r\nab\r\n") == (b"ab", False)
    assert decoded(b"HTTP/1.1 200 OK\r\ncontent-length: 3", b"abc") == (b"abc", True)
    assert decoded(b"HTTP/1.1 200 OK", b"abc") == (b"abc", None)
    with pytest.raises(AssertionError):
        decoded(head, b"2 \r\nab\r\n")


def test_choices_stay_below_their_bound_and_end_in_zeros():
    choices = Choices(b"\xff\xff\xff")
    assert [choices.below(7), choices.below(300), choices.below(9)] == [255 % 7, 65535 % 300, 0]
