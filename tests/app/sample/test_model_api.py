"""The official client cannot tell the sample model API from a real one."""

import http.client
import json
from urllib.parse import urlsplit

import openai
import pytest

PROMPT = [{"role": "user", "content": "Tell me of ferries"}]


@pytest.fixture
def client(sample_api):
    with openai.OpenAI(api_key="any", base_url=f"{sample_api}/v1", max_retries=0) as client:
        yield client


def test_models(client):
    assert [model.id for model in client.models.list()] == ["sample-large", "sample-small"]
    assert client.models.retrieve("sample-small").owned_by == "stillwatch-sample"


def test_answer(client):
    answer = client.chat.completions.with_raw_response.create(model="sample-large", messages=PROMPT, n=2)
    assert "made up" in answer.headers["x-sample-model"]
    found = answer.parse()
    assert len(found.choices) == 2
    assert found.choices[0].message.content
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens


def test_stream_equals_answer(client):
    whole = client.chat.completions.create(model="sample-large", messages=PROMPT, seed=3)
    events = list(
        client.chat.completions.create(
            model="sample-large", messages=PROMPT, seed=3, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    assert text == whole.choices[0].message.content
    assert events[-1].usage == whole.usage


def test_tools(client):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    found = client.chat.completions.create(
        model="sample-large", messages=PROMPT, tools=[tool], tool_choice="required"
    ).choices[0]
    assert found.finish_reason == "tool_calls"
    assert found.message.tool_calls[0].function.name == "look"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"model": "other"}, openai.NotFoundError),
        ({"n": 1000}, openai.BadRequestError),
        ({"temperature": 9}, openai.BadRequestError),
        ({"top_logprobs": 3}, openai.BadRequestError),
        ({"messages": []}, openai.BadRequestError),
    ],
)
def test_refusals_are_the_clients_own_errors(client, options, error):
    with pytest.raises(error):
        client.chat.completions.create(**{"model": "sample-large", "messages": PROMPT, **options})


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/v1/chat/completions", {}, b"{}", 401),
        ("POST", "/v1/chat/completions", {"Authorization": "Bearer x"}, b"{", 400),
        ("POST", "/v1/chat/completions", {"Authorization": "Bearer x"}, b"[]", 400),
        ("GET", "/v1/chat/completions", {"Authorization": "Bearer x"}, b"", 405),
        ("POST", "/v1/messages", {"x-api-key": "x"}, b'{"model": "sample-small", "messages": []}', 400),
        ("GET", "/v1/nothing", {"Authorization": "Bearer x"}, b"", 404),
        ("GET", "/", {}, b"", 200),
    ],
)
def test_status_and_shape(sample_api, method, path, headers, body, status):
    connection = http.client.HTTPConnection(urlsplit(sample_api).netloc, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    assert answer.status == status
    assert ("error" in found) is (status >= 400)
