"""The whole product: one command, a real request in, a reviewed alert out."""

import time

import openai
import pytest

from app.gateway.identify import client_of
from app.sample.traffic import PERSONAS

START_SECONDS = 240
ALERT_SECONDS = 240  # the promise is 60 on a machine of one's own; here other tests run beside it
WATCH_SECONDS = 12  # after both harvesters are found: nobody else may follow


def client_id(run, key):
    secret = (run.folder / "secret").read_bytes().strip()
    return f"cl_{client_of(secret, [(b'authorization', f'Bearer {key}'.encode())], b'', ''):016x}"


def alerted(run):
    status, page = run.get("/api/v1/alerts?limit=100")
    return {alert["client_id"] for alert in page["data"]} if status == 200 else set()


def talk(run):
    """The official client, unchanged but for its base URL."""
    with openai.OpenAI(api_key="sk-newcomer", base_url=f"http://127.0.0.1:{run.gateway}/v1", max_retries=0) as client:
        question = {"model": "sample-small", "messages": [{"role": "user", "content": "Hello"}], "seed": 1}
        whole = client.chat.completions.create(**question)
        events = list(client.chat.completions.create(**question, stream=True, stream_options={"include_usage": True}))
        assert [model.id for model in client.models.list()] == ["sample-large", "sample-small"]
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    assert text == whole.choices[0].message.content
    assert events[-1].usage == whole.usage


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_exactly_the_harvesters_are_found(launch, processes, wait_for):
    run = launch()
    wait_for(run.ready, START_SECONDS, "the start")
    started = time.monotonic()
    said = run.said()
    for part in ("SAMPLE data", run.token, f":{run.gateway}/v1", f":{run.console}", "curl "):
        assert part in said
    talk(run)

    harvesters = {client_id(run, persona.key) for persona in PERSONAS if persona.harvests}
    wait_for(lambda: alerted(run) >= harvesters, ALERT_SECONDS, "the harvesters' alerts")
    print(f"both harvesters were found {time.monotonic() - started:.0f} s after the start")
    wait_for(lambda: "Both sample harvesters stand on the dashboard" in run.said(), 120, "the line on the terminal")
    deadline = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < deadline:
        assert alerted(run) == harvesters
        time.sleep(0.5)

    status, page = run.get("/api/v1/clients?limit=200")
    assert status == 200
    seen = {client["id"] for client in page["data"]}
    assert seen >= {client_id(run, persona.key) for persona in PERSONAS if persona.name != "developer"}
    assert client_id(run, "sk-newcomer") in seen
    assert run.interrupt() == 0
    assert not processes(run.mark)
    assert "Traceback" not in run.said()
