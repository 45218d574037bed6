"""Anthropic's own client, pointed at a gateway in front of the sample model API, works unchanged."""

import anthropic
import pytest

ASK = {"model": "sample-small", "max_tokens": 64, "messages": [{"role": "user", "content": "Tell me of ferries"}]}


@pytest.fixture
def client(fronted):
    with anthropic.Anthropic(api_key="any", base_url=fronted, max_retries=0) as client:
        yield client


def test_answer(client):
    answer = client.messages.create(**ASK, system=[{"type": "text", "text": "Be brief."}])
    assert answer.content[0].text
    assert answer.stop_reason in ("end_turn", "max_tokens")
    assert 0 < answer.usage.output_tokens <= 64
    assert answer.usage.input_tokens > client.messages.create(**ASK).usage.input_tokens  # the system prompt counts


def test_stream_equals_answer(client):
    whole = client.messages.create(**ASK)
    with client.messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == whole.content[0].text
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)


def test_tokens_are_counted(client):
    asked = {name: ASK[name] for name in ("model", "messages")}
    assert client.messages.count_tokens(**asked).input_tokens == client.messages.create(**ASK).usage.input_tokens


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"model": "other"}, anthropic.NotFoundError),
        ({"messages": []}, anthropic.BadRequestError),
        ({"max_tokens": 0}, anthropic.BadRequestError),
    ],
)
def test_refusals_are_the_clients_own_errors(client, options, error):
    with pytest.raises(error) as caught:
        client.messages.create(**{**ASK, **options})
    assert caught.value.body["type"] == "error"
