"""The promise about campaigns: the sample's clients in made-up time, through the linker of a fresh folder."""

from __future__ import annotations

import heapq
from itertools import count

import orjson
import pytest

from app.dialects.conversations import Conversations
from app.ingest.log import read_entry
from app.sample import answers, wire
from app.sample.connection import read_document
from app.sample.harvest import SHARDS
from app.sample.traffic import PERSONAS, lane_seed, pause_factor
from detectors import registry
from detectors.base import Level
from detectors.campaign import Linker, rows
from detectors.features import events
from detectors.table import Table

START = 1_764_000_000.0
PASS, AGAIN = 2.0, 60.0  # seconds between two passes, and until a client's row is read again
SETTLED = 60.0  # the minute that the README gives


def _record(persona, body, at, took, response):
    headers = dict(persona.headers())
    peer = headers.pop("x-forwarded-for", "127.0.0.1")
    return {
        "ts": START + at, "client": persona.name, "peer": peer, "path": "/v1/chat/completions", "headers": headers,
        "body": body, "status": 200, "ttfb_s": 0.1, "duration_s": took, "response": response,
    }  # fmt: skip


def _played(seed, seconds):
    """When each exchange ends, and the exchange."""
    number, waiting = count(), []
    for persona in (*PERSONAS, *SHARDS):
        for lane in range(persona.lanes):
            script = persona.script(lane_seed(seed, persona, lane), lane)
            call = next(script)
            heapq.heappush(waiting, (call.wait, next(number), persona, script, call))
    while waiting[0][0] < seconds:
        at, _, persona, script, call = heapq.heappop(waiting)
        found = answers.choices(call.body)
        took = 0.1 + min(0.35, 0.0003 * sum(choice.cost for choice in found))
        made = ("x", 0, call.body, found, answers.prompt_tokens(call.body["messages"]))
        document = wire.document(*made)
        response = orjson.loads(document)
        if call.body.get("stream"):
            lines = [line[6:] for line in b"".join(wire.events(*made)).split(b"\n\n") if line]
            response = ["[DONE]" if line == b"[DONE]" else orjson.loads(line) for line in lines]
        yield at + took, read_entry(_record(persona, call.body, at, took, response))
        following = script.send(read_document(document))
        then = at + took + following.wait * pause_factor(at + took)
        heapq.heappush(waiting, (then, next(number), persona, script, following))


def _passes(seed, seconds):
    """For each pass its time, and the members of each campaign at review, by name."""
    linker, table, conversations = Linker(), Table(registry.load()), Conversations()
    names, batch, read, due = {}, [], {}, PASS
    for ended, entry in sorted(_played(seed, seconds), key=lambda one: one[0]):
        while ended > due:
            block = events(conversations.mark(batch), seed=seed)
            if len(block):
                table.step(block, START + due)
                linker.observe(block)
            found = linker.link(START + due)
            asked = [one for one in linker.to_hear(1_000) if due - read.get(one, -AGAIN) >= AGAIN]
            read.update(dict.fromkeys(asked, due))
            linker.tell(rows.told(table, asked))
            yield due, [sorted(names[one] for one in each.clients) for each in found if each.level is Level.REVIEW]
            batch, due = [], due + PASS
        names[entry.exchange.client] = entry.client
        batch.append(entry.exchange)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_twelve_stand_together_from_the_first_minute_and_nobody_with_them():
    shards = sorted(persona.name for persona in SHARDS)
    for at, campaigns in _passes(1, 110.0):
        assert {name for some in campaigns for name in some} <= set(shards), at
        if at >= SETTLED:
            assert campaigns == [shards], at
