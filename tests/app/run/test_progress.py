"""Progress: counts while the sample warms up, one line an alert, an end when both harvesters are found."""

import asyncio
import io
import json
import re

import pytest

from app.api.schemas import AlertShape
from app.models.alert import Alert
from app.models.base import moment
from app.models.vocabulary import Severity, State
from app.run import progress as module
from app.run.progress import Progress
from app.run.screen import Screen
from app.settings import read_settings


@pytest.fixture
async def api(monkeypatch):
    """A stand-in for the REST API whose pages the test sets."""
    monkeypatch.setattr(module, "WARM_SECONDS", 0.01)
    monkeypatch.setattr(module, "CALM_SECONDS", 0.01)
    pages = {"alerts": [], "clients": []}

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        name = "alerts" if b"/alerts" in head else "clients"
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"data": pages[name]}).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings = read_settings({"STILLWATCH_CONSOLE_PORT": str(server.sockets[0].getsockname()[1])})
    yield settings, pages
    server.close()
    await server.wait_closed()


def alert(number, client, state=State.NEW):
    """An alert as the API sends it, by its own shape."""
    row = Alert(
        id=f"al_{number}", client_id=client, fingerprint="f", episode=1, policy="harvest", policy_version=1,
        state=state, severity=Severity.HIGH, score=12.0, threshold=9.2, sentence="One template.", evidence={},
        opened_at=moment(0), updated_at=moment(0), version=1,
    )  # fmt: skip
    return AlertShape.model_validate(row).model_dump(mode="json")


async def looked(settings, expected, change, looks):
    file = io.StringIO()
    left = [looks]

    def alive():
        left[0] -= 1
        change(looks - left[0])
        return left[0] >= 0

    await Progress(settings, "token", Screen(file), "http://c", expected).follow(alive)
    return file.getvalue()


async def test_warming_up(api):
    settings, pages = api
    pages["clients"] = [{"requests": 7}, {"requests": 5}]

    def change(look):
        if look == 4:
            pages["alerts"] = [alert(1, "cl_a")]
        if look == 6:
            pages["alerts"] = [alert(2, "cl_b"), alert(1, "cl_a")]

    text = await looked(settings, {"cl_a": "one", "cl_b": "two"}, change, 9)
    lines = text.splitlines()
    assert lines[0] == "Warming up: scored 12 exchanges of 2 clients; alerts: 0"
    assert "Alert (high): cl_a [sample one] http://c/alerts/al_1" in lines
    assert "Alert (high): cl_b [sample two] http://c/alerts/al_2" in lines
    assert re.fullmatch("Both sample harvesters stand on the dashboard after [0-9]+ s: http://c", lines[-1])


async def test_a_closed_alert_counts_as_found(api):
    settings, pages = api
    pages["alerts"] = [alert(1, "cl_a", State.CLOSED)]
    text = await looked(settings, {"cl_a": "one"}, lambda _: None, 2)
    assert text.startswith("Both sample harvesters")


async def test_with_an_upstream_each_alert_is_told_once(api):
    settings, pages = api
    pages["alerts"] = [alert(1, "cl_a"), alert(2, "cl_b", State.CLOSED)]
    text = await looked(settings, {}, lambda _: None, 5)
    assert text.count("al_1") == 1
    assert "al_2" not in text
    assert "Warming up" not in text


async def test_an_api_that_is_away_is_no_reason_to_stop(free_port, monkeypatch):
    monkeypatch.setattr(module, "WARM_SECONDS", 0.01)
    settings = read_settings({"STILLWATCH_CONSOLE_PORT": str(free_port())})
    text = await looked(settings, {"cl_a": "one"}, lambda _: None, 3)
    assert text == "Warming up: scored 0 exchanges of 0 clients; alerts: 0\n"
