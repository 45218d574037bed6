"""OpenAI's own client gets made-up vectors, through a gateway."""

import openai
import pytest


@pytest.fixture
def client(fronted):
    with openai.OpenAI(api_key="any", base_url=f"{fronted}/v1", max_retries=0) as client:
        yield client


def test_vectors_are_of_their_texts_and_of_length_one(client):
    found = client.embeddings.create(model="sample-small", input=["a ferry", "a pier", "a ferry"])
    first, second, third = (one.embedding for one in found.data)
    assert first == third != second
    assert sum(value * value for value in first) == pytest.approx(1.0, abs=1e-5)
    assert found.usage.total_tokens > 0
    plain = client.embeddings.create(model="sample-small", input="a ferry", encoding_format="float", dimensions=256)
    assert plain.data[0].embedding == pytest.approx(first, abs=1e-6)
    short = client.embeddings.create(model="sample-small", input=[1, 2, 3], dimensions=8)
    assert len(short.data[0].embedding) == 8


@pytest.mark.parametrize("options", [{"input": []}, {"input": ""}, {"input": "x", "dimensions": 0}])
def test_refusals_are_the_clients_own_errors(client, options):
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="sample-small", **options)
