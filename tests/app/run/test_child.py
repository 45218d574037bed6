"""Children come back when they die, and nobody outlives the supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from app.run import child as module
from app.run.child import Child, Spec
from app.run.logs import BoundedLog, Output

PYTHON = sys.executable
DEAF = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture
async def make(tmp_path):
    """A function that makes a child of a Python program; stops all of them at the end."""
    made = []

    def build(program, **options):
        said = []
        spec = Spec("x", (PYTHON, "-c", program), {**os.environ, "SW_MARK": str(tmp_path)}, **options)
        made.append(Child(spec, Output(BoundedLog(tmp_path / f"{len(made)}.log"), said.append), said.append))
        return made[-1], said

    yield build
    for found in made:
        await found.stop(at_once=True)


async def until(check, seconds=90.0):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


async def test_a_killed_child_starts_again_and_says_so(make):
    child, said = make("import time; print('here', flush=True); time.sleep(600)")
    await child.start()
    await until(lambda: child.output.last)
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: child.starts == 2)
    assert child.process.pid != first
    assert len(said) == 1
    assert said[0].startswith("ended (signal SIGKILL), starts again in ")


async def test_a_signal_without_a_name_is_a_death_like_others(make):
    child, said = make("import time; print('up', flush=True); time.sleep(600)")
    await child.start()
    await until(lambda: child.output.last)
    os.kill(child.process.pid, signal.SIGRTMIN + 3)
    await until(lambda: child.starts == 2)
    assert f"signal {signal.SIGRTMIN + 3}" in said[0]


async def test_delays_grow_while_it_keeps_dying(make, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    child, said = make("raise SystemExit(3)")
    await child.start()
    await until(lambda: len(said) >= 4)
    assert [line.split("again in ")[1] for line in said[:4]] == ["0.05 s", "0.1 s", "0.2 s", "0.4 s"]
    assert "exit code 3" in said[0]


async def test_a_child_that_ends_by_itself_is_explained_by_its_own_words_alone(make, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    program = (
        "import pathlib, sys; seen = pathlib.Path(sys.argv[-1]); again = seen.exists(); seen.touch(); "
        "again or print('level=warning message=first', flush=True); sys.exit(3)"
    )
    child, said = make(program.replace("sys.argv[-1]", repr(str(tmp_path / "seen"))))
    await child.start()
    await until(lambda: sum(line.startswith("ended") for line in said) >= 2)
    ended = [line for line in said if line.startswith("ended")]
    assert ended[0].startswith("ended (exit code 3: first), ")
    assert ended[1].startswith("ended (exit code 3: it said nothing), ")


async def test_a_wrong_setting_is_not_tried_again(make):
    child, _ = make("import sys; print('stillwatch: A: b', file=sys.stderr); sys.exit(2)")
    await child.start()
    await asyncio.wait_for(child.fatal.wait(), 90)
    assert child.starts == 1
    assert child.output.obituary() == "A: b"


async def test_once_the_run_is_up_nothing_is_final(make, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    child, said = make("raise SystemExit(2)")
    child.starting = False
    await child.start()
    await until(lambda: child.starts >= 3)
    assert not child.fatal.is_set()
    assert "exit code 2" in said[0]


async def test_stop_is_polite_first(make):
    program = "import signal,sys,time; signal.signal(15, lambda *_: (print('bye', flush=True), sys.exit(0)))"
    child, said = make(program + "; print('up', flush=True); time.sleep(600)")
    await child.start()
    await until(lambda: child.output.last)
    await child.stop()
    assert child.process.returncode == 0
    assert child.output.last[-1] == "bye"
    assert not said
    assert child.starts == 1


async def test_what_does_not_listen_is_killed_with_its_own_children(make, processes, tmp_path):
    program = f"import subprocess,sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {DEAF}"
    child, _ = make(program, stop_seconds=0.3)
    await child.start()
    await until(lambda: child.output.last)
    assert len(processes(str(tmp_path))) == 2
    started = time.monotonic()
    await child.stop()
    assert time.monotonic() - started < 30
    assert child.process.returncode == -signal.SIGKILL
    await until(lambda: not processes(str(tmp_path)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_die_with_a_killed_supervisor(tmp_path, processes, wait_for):
    program = f"""
import asyncio, os
from pathlib import Path
from app.run.child import Child, Spec
from app.run.logs import BoundedLog, Output
async def main():
    env = {{**os.environ, "SW_MARK": {str(tmp_path)!r}}}
    for name in ("a", "b"):
        spec = Spec(name, ({PYTHON!r}, "-c", {DEAF!r}), env)
        await Child(spec, Output(BoundedLog(Path({str(tmp_path)!r}) / name), print), print).start()
    print("up", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    supervisor = subprocess.Popen([PYTHON, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert supervisor.stdout.readline() == b"up\n"
        assert len(processes(str(tmp_path))) == 2
    finally:
        supervisor.kill()
        supervisor.wait()
        supervisor.stdout.close()
    wait_for(lambda: not processes(str(tmp_path)), 60, "the children's end")
