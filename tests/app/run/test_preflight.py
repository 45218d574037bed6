"""What is wrong before the start is said in one line that names the variable to set."""

import os
import resource
import socket
import subprocess
import sys

import pytest

from app.errors import SettingError
from app.run.preflight import check_ports, lock_folder, prepare_folder
from app.settings import read_settings


def settings(gateway, console, **more):
    ports = {"STILLWATCH_GATEWAY_PORT": str(gateway), "STILLWATCH_CONSOLE_PORT": str(console)}
    return read_settings({**ports, **more})


def test_folder_is_made_for_its_owner_alone(tmp_path):
    folder = prepare_folder(tmp_path / "a" / "b")
    assert folder.is_absolute()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_folder_that_cannot_be(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="STILLWATCH_DATA: cannot write"):
        prepare_folder(tmp_path / name)


def test_folder_without_room(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # as a full disk: names can be made, bytes not written
    try:
        with pytest.raises(SettingError, match=r"STILLWATCH_DATA: cannot write .* room"):
            prepare_folder(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_one_supervisor_a_folder(tmp_path):
    first = lock_folder(tmp_path)
    with pytest.raises(SettingError, match=rf"another Stillwatch \(process {os.getpid()}\) runs on"):
        lock_folder(tmp_path)
    first.close()
    lock_folder(tmp_path).close()


def test_lock_of_a_dead_process_is_no_lock(tmp_path):
    program = (
        f"from app.run.preflight import lock_folder; from pathlib import Path; lock_folder(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", program + "; import os; os._exit(9)"], check=False)
    assert (tmp_path / "run.lock").read_text().strip().isdigit()
    lock_folder(tmp_path).close()


@pytest.mark.parametrize("part", ["GATEWAY", "CONSOLE"])
def test_port_in_use_names_its_variable(free_port, part):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"GATEWAY": free_port(), "CONSOLE": free_port()} | {part: taken.getsockname()[1]}
        with pytest.raises(SettingError, match=f"set STILLWATCH_{part}_PORT") as caught:
            check_ports(settings(ports["GATEWAY"], ports["CONSOLE"]), 0.1)
    assert str(taken and ports[part]) in str(caught.value)


def test_ports_that_are_free(free_port):
    check_ports(settings(free_port(), free_port()), 0.0)


def test_port_that_is_freed_in_time(free_port, monkeypatch):
    """As that of a run that just ended is: here it goes free at the first pause."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("app.run.preflight.time.sleep", lambda _: taken.close())
        port = taken.getsockname()[1]
        check_ports(settings(port, free_port()), 30.0)
    assert taken.fileno() == -1


def test_the_same_port_twice(free_port):
    port = free_port()
    with pytest.raises(SettingError, match="is the gateway's port too"):
        check_ports(settings(port, port))


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_of_another_machine(free_port, host):
    with pytest.raises(SettingError, match=f"STILLWATCH_GATEWAY_HOST: cannot listen on {host}"):
        check_ports(settings(free_port(), free_port(), STILLWATCH_GATEWAY_HOST=host))
