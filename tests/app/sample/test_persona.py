"""Keys are fixed, headers are those of common client libraries."""

import pytest

from app.sample.persona import fixed
from app.sample.traffic import PERSONAS


def test_a_dozen_ordinary_clients_and_two_harvesters():
    assert sum(persona.harvests for persona in PERSONAS) == 2
    assert sum(not persona.harvests for persona in PERSONAS) == 12
    assert len({persona.key for persona in PERSONAS}) == 14


def test_headers_do_not_give_the_harvesters_away():
    ordinary = {persona.agent for persona in PERSONAS if not persona.harvests}
    assert {persona.agent for persona in PERSONAS if persona.harvests} <= ordinary


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_headers(persona):
    headers = dict(persona.headers())
    assert headers["authorization"] == f"Bearer {persona.key}"
    assert ("x-stainless-lang" in headers) is persona.agent.startswith("OpenAI/")


def test_a_fixed_list_is_fixed():
    assert fixed("a").random() == fixed("a").random() != fixed("b").random()
