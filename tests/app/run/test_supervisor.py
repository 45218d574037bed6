"""The supervisor on real processes: it starts, restarts, refuses, stops, and leaves nobody behind."""

import os
import signal
import socket
import subprocess

import pytest

SERVICES = {"gateway", "extractor", "worker", "linker", "console", "valkey"}
START_SECONDS = 240


def open_answers(run):
    """Requests that the gateway has in hand."""
    return run.get("/_stillwatch/status", run.gateway)[1]["counters"]["in_flight"]


@pytest.mark.slow
def test_a_life(launch, quiet_upstream, processes, wait_for):
    """Start, deaths of children, a second supervisor, Ctrl-C, a warm start, a kill."""
    run = launch(UPSTREAM=quiet_upstream)
    wait_for(run.ready, START_SECONDS, "the start")
    assert set(run.children()) == SERVICES
    assert quiet_upstream in run.said()
    assert run.get("/livez")[0] == 200
    assert run.get("/v1/models", run.gateway) == (200, {})

    for role in ("worker", "valkey"):
        before = run.children()[role]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda role=role, before=before: run.children().get(role, before) != before, 120, f"{role}'s return")
        assert f"{role}  ended (signal SIGKILL" in run.said()
    assert run.get("/v1/models", run.gateway) == (200, {})

    second = launch(UPSTREAM=quiet_upstream)  # same folder
    assert second.process.wait(90) == 2
    assert second.said().count("\n") == 1
    assert f"another Stillwatch (process {run.process.pid}) runs on" in second.said()
    third = launch("other", ports=(run.gateway, run.console), UPSTREAM=quiet_upstream)
    assert third.process.wait(90) == 2
    assert "set STILLWATCH_GATEWAY_PORT" in third.said()

    assert run.interrupt() == 0
    assert run.said().endswith("Stopped.\n")
    assert not processes(run.mark)

    again = launch(UPSTREAM=quiet_upstream)
    wait_for(again.ready, START_SECONDS, "the warm start")
    again.process.kill()
    again.process.wait()
    wait_for(lambda: not processes(again.mark), 60, "the end of all children")


@pytest.mark.slow
def test_two_side_by_side(launch, quiet_upstream, processes, wait_for):
    """An open answer holds the one's gateway up to the drain limit, unless the operator insists; the other goes on."""
    first = launch("first", UPSTREAM=quiet_upstream, STILLWATCH_DRAIN_SECONDS="60")
    second = launch("s" * 120, UPSTREAM=quiet_upstream)
    for run in (first, second):
        wait_for(run.ready, START_SECONDS, "the start")
        assert set(run.children()) == SERVICES
        assert run.get("/api/v1/status")[0] == 200
    assert not set(first.children().values()) & set(second.children().values())
    with socket.create_connection(("127.0.0.1", first.gateway)) as customer:
        customer.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: open_answers(first), 60, "the gateway's taking up of the request")
        first.process.send_signal(signal.SIGINT)
        first.process.send_signal(signal.SIGINT)  # at once: the same Ctrl-C, seen twice
        with pytest.raises(subprocess.TimeoutExpired):
            first.process.wait(3)
        assert first.interrupt() == 0
    assert not processes(first.mark)
    assert second.get("/v1/models", second.gateway) == (200, {})
    assert second.interrupt(signal.SIGTERM) == 0
    assert not processes(second.mark)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"UPSTREAM": "ftp://x"}, "UPSTREAM: "),
        ({"STILLWATCH_GATEWAY_PORT": "many"}, "STILLWATCH_GATEWAY_PORT: 'many' is not a number"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL: "),
        ({"DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/x"}, "DATABASE_URL: the migration failed: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_one_line(launch, processes, env, words):
    run = launch(**{"UPSTREAM": "http://127.0.0.1:1", **env})
    assert run.process.wait(120) == 2
    last = run.said().strip().splitlines()[-1]
    assert last.startswith(f"stillwatch: {words}")
    assert ". Remedy: " in last
    assert "Traceback" not in run.said()
    assert "hidden" not in run.said()
    assert not processes(run.mark)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("STILLWATCH_REFERENCE", None, "No such file or directory"),
        ("STILLWATCH_REFERENCE", "nonsense", ""),
        ("STILLWATCH_ROUTES", None, "No such file or directory"),
        ("STILLWATCH_ROUTES", "[[route]]\nprefix = 1\n", "route 1, prefix: it is not text in quotes"),
    ],
)
def test_a_wrong_file_is_one_line_and_no_fault_of_the_service(launch, processes, tmp_path, name, text, words):
    """Before: exit code 1, and a traceback where it was the console that read it."""
    path = tmp_path / "given"
    if text is not None:
        path.write_text(text)
    run = launch(UPSTREAM="http://127.0.0.1:1", **{name: str(path)})
    assert run.process.wait(180) == 2
    said = run.said()
    lines = said.splitlines()
    assert lines[0] == "Stillwatch starts ..."
    # Other processes may warn meanwhile: on a busy machine Redis can miss the gateway's short deadline.
    assert [line for line in lines if line.startswith("stillwatch: ")] == lines[-1:], said
    assert lines[-1].startswith(f"stillwatch: {name}: {path}")
    assert words in lines[-1]
    assert ". Remedy: " in lines[-1]
    assert "Traceback" not in said
    assert "starts again" not in said
    assert not processes(run.mark)


def test_a_hang_up_that_nohup_has_ignored_stops_nothing(launch, quiet_upstream, processes, wait_for):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # children inherit that
    try:
        run = launch(UPSTREAM=quiet_upstream)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(lambda: "starts ..." in run.said(), 120, "the first line")
    run.process.send_signal(signal.SIGHUP)
    wait_for(
        lambda: (run.folder / "logs" / "extractor.log").exists() or run.process.poll() is not None, 120, "the start"
    )
    run.process.send_signal(signal.SIGHUP)
    assert "Stopping" not in run.said()
    assert run.interrupt(signal.SIGTERM) == 0
    assert not processes(run.mark)


def test_a_stop_in_the_middle_of_the_start(launch, processes, wait_for):
    run = launch()
    wait_for(lambda: "starts ..." in run.said(), 120, "the first line")
    assert run.interrupt(signal.SIGTERM) == 0
    assert not processes(run.mark)
