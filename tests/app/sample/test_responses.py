"""OpenAI's own client speaks Responses with the sample model API, through a gateway."""

import json

import openai
import pytest

ASK = {"model": "sample-small", "input": "Tell me of ferries"}


@pytest.fixture
def client(fronted):
    with openai.OpenAI(api_key="any", base_url=f"{fronted}/v1", max_retries=0) as client:
        yield client


def test_answer(client):
    answer = client.responses.create(**ASK, instructions="Be brief.")
    assert (answer.status, answer.error) == ("completed", None)
    assert answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Tell me of ferries"}]}]
    assert client.responses.create(model="sample-small", input=items).output_text


def test_an_answer_that_is_cut_says_so(client):
    answer = client.responses.create(**ASK, max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16


def test_stream_equals_answer(client):
    whole = client.responses.create(**ASK)
    with client.responses.stream(**ASK) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert final.output_text == whole.output_text
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")][-1] > 6
    assert events[-1].type == "response.completed"


def test_a_schema_is_kept(client):
    schema = {"type": "object", "properties": {"port": {"type": "string"}}}
    shape = {"format": {"type": "json_schema", "name": "port", "schema": schema}}
    assert set(json.loads(client.responses.create(**ASK, text=shape).output_text)) == {"port"}


def test_refusals_are_the_clients_own_errors(client):
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="other", input="x")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="sample-small", input=[])
