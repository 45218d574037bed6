"""The health check of a role: a port that answers, or a fresh heartbeat of this host."""

import contextlib
import http.server
import threading
import time

import pytest
import redis

from app.errors import SettingError, Unavailable
from app.run.health import main
from app.settings import read_settings
from app.store.heartbeat import Heartbeat, publish


class Live(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_stillwatch/livez" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def listening():
    server = http.server.HTTPServer(("127.0.0.1", 0), Live)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_listening_role(listening, free_port, capsys):
    assert main(read_settings({"STILLWATCH_GATEWAY_PORT": str(listening)}), "gateway") == 0
    assert main(read_settings({"STILLWATCH_GATEWAY_PORT": str(free_port())}), "gateway") == 1
    assert main(read_settings({"STILLWATCH_CONSOLE_PORT": str(listening)}), "console") == 1
    assert capsys.readouterr().out.splitlines()[0] == "gateway lives"


@pytest.mark.parametrize(("host", "code"), [("", 0), ("another-host", 1)])
def test_a_beating_role_of_this_host(redis_url, host, code):
    now = time.time()
    beat = Heartbeat("worker", "one", now, now, **({"host": host} if host else {}))
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        publish(client, beat)
    settings = read_settings({"REDIS_URL": redis_url})
    assert main(settings, "worker") == code
    assert main(settings, "extractor") == 1


def test_the_bundled_server_is_found_by_its_socket(valkey, redis_url, tmp_path):
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path)})
    (tmp_path / "valkey.sock").symlink_to(valkey.socket)
    assert main(settings, "linker") == 1
    now = time.time()
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        publish(client, Heartbeat("linker", "one", now, now))
    assert main(settings, "linker") == 0


def test_what_cannot_be_told(free_port, tmp_path):
    with pytest.raises(SettingError, match="REDIS_URL: it is empty, and no Valkey runs in the data folder"):
        main(read_settings({"STILLWATCH_DATA": str(tmp_path)}), "worker")
    with pytest.raises(SettingError, match="'cook' is unknown"):
        main(read_settings({}), "cook")
    with pytest.raises(Unavailable):
        main(read_settings({"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}), "worker")
