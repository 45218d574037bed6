"""From the hand-off's socket to the streams: one event a copy, no text, a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from app.extractor import run as run_module
from app.extractor.emit import Emitter
from app.extractor.run import Extractor, run
from app.settings import read_settings
from app.store.handoff import Counters, Sender, encode, serve
from app.store.heartbeat import read_all
from app.store.redis import Link, connect, pack
from app.store.reply import RECEIVE_BYTES, Reply
from app.store.stream import read, read_command
from detectors.event import EVENT, Flag, Listed
from detectors.exchange import Dialect
from detectors.features import model_hash
from detectors.listed import build

CANARY = "sk-canary-7f3a9d1e"
CHAT = {"model": "acme-large", "messages": [{"role": "user", "content": f"What is {CANARY}? Explain in words."}]}
ANSWER = {
    "choices": [{"message": {"content": f"It is {CANARY}."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}


def settings_for(folder, redis_url, **values):
    return read_settings(
        {"STILLWATCH_DATA": str(folder), "REDIS_URL": redis_url, "STILLWATCH_PARTITIONS": "4", **values}
    )


def stored(url):
    """All events of all streams, as one array."""
    found = [np.zeros(0, EVENT)]
    with contextlib.closing(Link(url, 5)) as link:
        for partition in range(4):
            link.send(pack(*read_command(partition, b"0-0", 10_000)))
            blocks = read(Reply(link, bytearray(RECEIVE_BYTES)), partition, 4, 10_000, 10**9)
            if blocks is not None:
                assert blocks.rejected == blocks.misplaced == 0
                found.append(blocks.events)
    return np.concatenate(found)


def beats(url):
    with contextlib.closing(connect(url, timeout=5)) as client:
        return {(beat.role, beat.instance): beat for beat in read_all(client)}


async def until(condition, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def extracting(settings):
    """A running extractor, and a sender that is connected to it."""
    extractor, stopping = Extractor(settings, seed=5), asyncio.Event()
    task = asyncio.create_task(run(settings, extractor, stopping))
    sender = Sender(settings.handoff, 1 << 26, "host-4711", lambda: {"requests": 12, "handoff_dropped": 0})
    sender.start()
    try:
        await until(lambda: sender.connected or task.done())
        yield extractor, sender
    finally:
        await sender.close(2)
        stopping.set()
        await task


async def test_every_copy_becomes_one_event_of_its_client(tmp_path, redis_url, copy_of):
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        for number in range(700):
            assert sender.offer(encode(copy_of(CHAT, ANSWER, client=number)))
        sender.offer(encode(copy_of(b"\x00rubbish", client=1000)))
        sender.offer(encode(copy_of(CHAT, client=1001, target=b"/v1/audio/speech")))
        await until(lambda: extractor.counts["events_emitted"] == 702)
    events = stored(redis_url)
    assert sorted(events["client"].tolist()) == [*range(700), 1000, 1001]
    read = events[events["client"] < 1000]
    assert (read["model"] == model_hash("acme-large")).all()
    assert (read["out_tokens"] == 4).all()
    assert len(np.unique(read["body"])) == 1
    assert (events[events["client"] >= 1000]["dialect"] == Dialect.OPAQUE).all()
    assert extractor.counts["exchanges"] == 702
    assert extractor.counts["parse_opaque"] == 1
    assert extractor.counts["parse_failed_request_json"] == 1


async def test_no_text_reaches_redis(tmp_path, redis_url, copy_of):
    headers = ((b"user-agent", CANARY.encode()), (b"x-note", CANARY.encode()))
    chat = {
        **CHAT,
        "user": CANARY,
        "tools": [{"name": CANARY}],
        "response_format": {"type": "json_schema", "json_schema": {"x": CANARY}},
    }
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        sender.offer(encode(copy_of(chat, ANSWER, request_headers=headers, peer="198.51.100.77")))
        sender.offer(encode(copy_of({**CHAT, "model": CANARY}, {"error": CANARY}, status=404)))
        sender.offer(encode(copy_of(CANARY.encode(), target=f"/v1/{CANARY}?x={CANARY}".encode())))
        await until(lambda: extractor.counts["events_emitted"] == 3)
        await until(lambda: ("extractor", extractor._instance) in beats(redis_url))
    with contextlib.closing(connect(redis_url, timeout=5)) as client:
        dump = b"".join(client.dump(key) + key for key in client.keys("*"))
        assert client.hget("names:models", f"{model_hash('acme-large'):08x}") == b"acme-large"
    for word in (CANARY, "canary", "Explain", "198.51.100"):
        assert word.encode() not in dump


def upload(model):
    """The parts of a batch file's upload, whose line asks for a model."""
    line = json.dumps({"custom_id": "1", "url": "/v1/chat/completions", "body": {**CHAT, "model": model}}).encode()
    form = b"--b\r\nContent-Disposition: form-data; name=%b\r\n\r\n%b\r\n"
    body = form % (b'"purpose"', b"batch") + form % (b'"file"; filename="x.jsonl"', line) + b"--b--\r\n"
    return {"request_headers": ((b"content-type", b"multipart/form-data; boundary=b"),), "target": b"/v1/files"}, body


async def test_a_model_s_name_that_no_text_can_hold_ends_nothing(tmp_path, redis_url, copy_of):
    """JSON's half of a surrogate pair in a name ended the extractor, with the events of everybody in its buffer."""
    told_of = []
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        extractor._watchers = (lambda _copy, exchange: told_of.append(exchange.model),)
        fields, body = upload("half-\ud83d")
        sender.offer(encode(copy_of(body, b'{"id": "file-1"}', **fields)))
        sender.offer(encode(copy_of(json.dumps({**CHAT, "model": "half-\ud83d"}).encode(), ANSWER)))
        sender.offer(encode(copy_of({**CHAT, "model": "größe-😀"}, ANSWER)))
        await until(lambda: extractor.counts["events_emitted"] == 3)
    with contextlib.closing(connect(redis_url, timeout=5)) as client:
        names = {name.decode() for name in client.hgetall("names:models").values()}
    assert names == {"half-?", "größe-😀"}
    assert told_of == ["half-?", "half-?", "größe-😀"]


async def test_a_model_that_a_batch_names_is_not_published(tmp_path, redis_url, copy_of):
    """An upload is taken in whatever its lines ask for: a client could fill the names with its own words."""
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        fields, body = upload("made up")
        sender.offer(encode(copy_of(body, b'{"id": "file-1"}', **fields)))
        sender.offer(encode(copy_of(CHAT, ANSWER)))
        await until(lambda: extractor.counts["events_emitted"] == 2)
    with contextlib.closing(connect(redis_url, timeout=5)) as client:
        assert list(client.hgetall("names:models").values()) == [b"acme-large"]


async def test_the_seed_keys_the_text(tmp_path, redis_url, copy_of):
    copies = [copy_of(CHAT, ANSWER)]
    one, other = Extractor(settings_for(tmp_path, redis_url), 1), Extractor(settings_for(tmp_path, redis_url), 2)
    hashes = []
    for extractor in (one, other):
        extractor.take(copies)
        extractor.flush()
        hashes.append(extractor.emitter._buffer[0][1]["payload"][0])
        await extractor.emitter.close(0)
    assert hashes[0] != hashes[1]


async def test_heartbeats_of_extractor_and_gateways(tmp_path, redis_url, copy_of, monkeypatch):
    monkeypatch.setattr(run_module, "BEAT_SECONDS", 0.05)
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        sender.offer(encode(copy_of(CHAT, ANSWER)))
        await until(lambda: ("gateway", "host-4711") in beats(redis_url))
        await until(lambda: beats(redis_url)["extractor", extractor._instance].counters.get("events_emitted") == 1)
        found = beats(redis_url)
    gateway, own = found["gateway", "host-4711"], found["extractor", extractor._instance]
    assert gateway.counters == {"requests": 12, "handoff_dropped": 0}
    assert gateway.pid == 4711
    assert own.gauges["gateways"] == 1
    assert own.gauges["emit_lag_seconds"] >= 0
    assert own.info == {"redis": "ok"}


def test_a_gateway_that_fell_silent_is_reported_no_more(tmp_path, redis_url, monkeypatch):
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    extractor.take([Counters("host-1", {"requests": 1})])
    now, ticks = time.time(), time.monotonic()
    for moment in (now, now + 3600, now - 3600):  # the clock is set forth and back: it still speaks
        extractor.beat(moment, ticks)
        assert any(command[1] == "status:gateway:host-1" for command in extractor.emitter._extra)
    extractor.beat(now - 3600, ticks + 60)
    assert not any(command[1] == "status:gateway:host-1" for command in extractor.emitter._extra)


def test_a_gateway_runs_since_it_says_and_else_since_it_was_heard_of(tmp_path, redis_url):
    def told(extractor):
        extractor.beat(time.time(), time.monotonic())
        texts = [command[2] for command in extractor.emitter._extra if command[1] == "status:gateway:host-1"]
        return json.loads(texts[-1])["started"]

    first, anew = (Extractor(settings_for(tmp_path, redis_url), 1) for _ in range(2))
    for extractor in (first, anew):  # the second as after a restart of the extractor alone
        extractor.take([Counters("host-1", {"requests": 1}, {}, 1_800_000_000.5)])
        assert told(extractor) == 1_800_000_000.5
    anew.take([Counters("host-1", {"requests": 0}, {}, 1_800_000_060.0)])  # the gateway's own restart
    assert told(anew) == 1_800_000_060.0
    before = time.time()
    old = Extractor(settings_for(tmp_path, redis_url), 1)
    old.take([Counters("host-1", {"requests": 1})])
    heard = told(old)
    old.take([Counters("host-1", {"requests": 2})])
    assert before <= heard == told(old)


def test_a_gateway_is_told_with_its_last_minute(tmp_path, redis_url):
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    for failed in (7, 47):
        extractor.take([Counters("host-1", {"requests_upstream_error": failed, "upstream_failed": failed})])
    extractor.beat(time.time(), time.monotonic())
    (told,) = [command[2] for command in extractor.emitter._extra if command[1] == "status:gateway:host-1"]
    assert json.loads(told)["gauges"] == {"minute_asked": 40, "minute_failed": 40, "minute_unreached": 40}


async def test_a_parser_that_breaks_costs_no_event(tmp_path, redis_url, copy_of, monkeypatch):
    """Not even a fault of our own may lose the event, or those of the copies beside it."""

    def broken(copy):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(run_module.providers, "read", broken)
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    extractor.take([copy_of(CHAT, ANSWER, client=client) for client in range(3)])
    extractor.flush()
    events = extractor.emitter._buffer[0][1]
    assert events["client"].tolist() == [0, 1, 2]
    assert extractor.counts["parse_failed_parser"] == 3
    await extractor.emitter.close(0)


async def test_prompts_are_looked_up_in_the_operators_lists(tmp_path, redis_url, copy_of):
    path = tmp_path / "lists"
    build({Listed.CANARY: ["Explain it all in words, please."]}).save(path)
    extractor = Extractor(settings_for(tmp_path, redis_url, STILLWATCH_LISTS=str(path)), 1)
    asked = {"messages": [{"role": "user", "content": "Please do: explain it all in words, PLEASE."}]}
    extractor.take([copy_of(CHAT, ANSWER), copy_of(asked, ANSWER)])
    extractor.flush()
    build({Listed.TRAIN: [f"What is {CANARY}?"], Listed.CANARY: []}).save(path)
    extractor.beat(1.0, 1.0)
    extractor.take([copy_of(CHAT, ANSWER), copy_of(asked, ANSWER)])
    extractor.flush()
    listed = np.concatenate([events["listed"] for _, events in extractor.emitter._buffer])
    assert listed.tolist() == [0, Listed.CANARY, Listed.TRAIN, 0]
    await extractor.emitter.close(0)


async def test_a_turn_of_a_kept_conversation_is_a_later_one_where_it_was_answered_before(tmp_path, redis_url, copy_of):
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    answer = {"object": "response", "status": "completed", "output": []}
    copies = []
    for place, (kept, status) in enumerate((("c_1", 404), ("c_1", 200), ("c_2", 200), ("c_1", 200))):
        body = {"model": "m", "input": f"And then {place}?", "conversation": kept}
        more = {"target": b"/v1/responses", "at": 1_764_000_000.0 + 9.0 * place, "status": status}
        copies.append(copy_of(body, answer, **more))
    for some in (copies[:2], copies[2:]):
        extractor.take(some)
        extractor.flush()
    flags = np.concatenate([events["flags"] for _, events in extractor.emitter._buffer])
    assert (flags & Flag.MULTI_TURN != 0).tolist() == [False, False, False, True]
    await extractor.emitter.close(0)


async def test_an_exchange_that_breaks_the_features_is_one_opaque_event(tmp_path, redis_url, copy_of, monkeypatch):
    whole = run_module.told

    def broken(exchanges, *, seed, lists=None):
        if any(one.client == 1 and one.messages for one in exchanges):
            raise RuntimeError(CANARY)
        return whole(exchanges, seed=seed, lists=lists)

    monkeypatch.setattr(run_module, "told", broken)
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    extractor.take([copy_of(CHAT, ANSWER, client=client) for client in range(3)])
    extractor.flush()
    events = extractor.emitter._buffer[0][1]
    assert events["client"].tolist() == [0, 1, 2]
    assert (events["body"] != 0).tolist() == [True, False, True]
    assert extractor.counts["features_failed"] == 1
    await extractor.emitter.close(0)


async def test_lines_of_an_upload_go_on_in_its_place(tmp_path, redis_url, copy_of):
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    batch = {"requests": [
        {"custom_id": str(n), "params": {"model": "m", "messages": [{"role": "user", "content": f"Name city {n}."}]}}
        for n in range(30)
    ]}  # fmt: skip
    upload = copy_of(batch, {"id": "b_1"}, target=b"/v1/messages/batches", client=2)
    extractor.take([copy_of(CHAT, ANSWER, client=1), upload, copy_of(CHAT, ANSWER, client=3)])
    extractor.flush()
    events = extractor.emitter._buffer[0][1]
    assert events["client"].tolist() == [1, *[2] * 30, 3]
    assert len(np.unique(events["payload"][1:31])) == 30
    assert events["prompts"].sum() == 32
    assert extractor.counts["exchanges"] == 3
    await extractor.emitter.close(0)


async def test_an_upload_whose_lines_cannot_be_copied_is_one_opaque_event(tmp_path, redis_url, copy_of, monkeypatch):
    whole = run_module.Told.stream

    def broken(self):
        if (self.events["client"][self.owner] == 2).any():
            raise RuntimeError(CANARY)
        return whole(self)

    monkeypatch.setattr(run_module.Told, "stream", broken)
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    batch = {"requests": [
        {"custom_id": str(n), "params": {"model": "m", "messages": [{"role": "user", "content": f"Name city {n}."}]}}
        for n in range(30)
    ]}  # fmt: skip
    uploads = [copy_of(batch, {"id": "b"}, target=b"/v1/messages/batches", client=client) for client in (2, 4)]
    extractor.take([copy_of(CHAT, ANSWER, client=1), uploads[0], copy_of(CHAT, ANSWER, client=3), uploads[1]])
    extractor.flush()
    events = extractor.emitter._buffer[0][1]
    assert events["client"].tolist() == [1, 2, 3, *[4] * 30]
    assert (events["body"] != 0).tolist()[:3] == [True, False, True]
    assert (extractor.counts["features_failed"], extractor.counts["exchanges"]) == (1, 4)
    await extractor.emitter.close(0)


async def test_a_models_name_that_cannot_be_sent_costs_no_event(tmp_path, redis_url, copy_of):
    asked = b'{"model": "m\\ud800", "messages": [{"role": "user", "content": "Hello."}]}'
    async with extracting(settings_for(tmp_path, redis_url)) as (extractor, sender):
        sender.offer(encode(copy_of(asked, ANSWER)))
        sender.offer(encode(copy_of(CHAT, ANSWER)))
        await until(lambda: extractor.counts["events_emitted"] == 2)


async def test_a_black_hole_behind_does_not_stop_the_reading(tmp_path, private_valkey, copy_of):
    private_valkey.start()
    async with extracting(settings_for(tmp_path, private_valkey.url)) as (extractor, sender):
        sender.offer(encode(copy_of(CHAT, ANSWER)))
        await until(lambda: extractor.counts["events_emitted"] == 1)
        private_valkey.pause()
        for number in range(500):
            sender.offer(encode(copy_of(CHAT, ANSWER, client=number)))
        await until(lambda: extractor.counts["exchanges"] == 501, seconds=3)
        assert sender.dropped == 0
        private_valkey.resume()
        before = extractor.counts["events_emitted"]
        sender.offer(encode(copy_of(CHAT, ANSWER)))
        await until(lambda: extractor.counts["events_emitted"] > before, seconds=60)
    counts = extractor.counts
    assert counts["events_emitted"] + counts["dropped_redis"] == 502


async def test_a_new_extractor_that_begins_while_the_old_one_ends_keeps_its_socket(tmp_path, redis_url, monkeypatch):
    settings = settings_for(tmp_path, redis_url)
    close, new = Emitter.close, []

    async def slow(self, seconds):
        new.append(await serve(settings.handoff, lambda records: None))
        await close(self, seconds)

    monkeypatch.setattr(Emitter, "close", slow)
    async with extracting(settings):
        pass
    assert settings.handoff.is_socket()
    new[0].close()


async def test_once_stopped_it_acknowledges_nothing_more(tmp_path, redis_url, copy_of):
    extractor = Extractor(settings_for(tmp_path, redis_url), 1)
    extractor.stop()
    with pytest.raises(ConnectionAbortedError):
        extractor.take([copy_of(CHAT, ANSWER)])
    await extractor.emitter.close(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_drains_and_ends_cleanly_on_a_signal(tmp_path, redis_url, copy_of, number):
    settings = settings_for(tmp_path, redis_url, STILLWATCH_SECRET="s" * 40)
    env = {**os.environ, "STILLWATCH_DATA": str(tmp_path), "REDIS_URL": redis_url, "STILLWATCH_PARTITIONS": "4"}
    env["STILLWATCH_SECRET"] = "s" * 40
    code = "import os, sys; from app.settings import read_settings; from app.extractor.run import main;"
    code += "sys.exit(main(read_settings(os.environ)))"
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)
    sender = Sender(settings.handoff, 1 << 26, "host-1")
    sender.start()
    try:
        await until(lambda: sender.connected, seconds=120)
        for client in range(300):
            sender.offer(encode(copy_of(CHAT, ANSWER, client=client)))
        await until(lambda: sender.sent == 300)
        process.send_signal(number)
        _, log = await asyncio.to_thread(process.communicate, timeout=90)
    finally:
        process.kill()
        process.wait()
        await sender.close(0)
    assert process.returncode == 0, log
    assert sorted(stored(redis_url)["client"].tolist()) == list(range(300))
    assert CANARY not in log
    assert json.dumps(CHAT["messages"][0]["content"]) not in log
    assert not settings.handoff.exists()
