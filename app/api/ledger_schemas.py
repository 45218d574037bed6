"""The JSON shapes of the ledger's look-up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.moments import MOMENT
from app.api.schemas import CLIENT, Body, Shape

MOST_HASHES = 5_000
MOST_IN_QUERY = 200
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$", examples=["00c0ffee"])]


class LedgerQuery(BaseModel):
    """Which text, by the hashes of its shingles."""

    model_config = ConfigDict(extra="forbid")

    hash: list[Hash] = Field(
        min_length=1,
        max_length=MOST_IN_QUERY,
        description="Of one shingle, 8 hexadecimal digits; may be given several times",
    )


class LedgerBody(Body):
    """Which text, by the hashes of its shingles, as `stillwatch ledger hashes FILE` prints them."""

    hashes: list[Hash] = Field(
        min_length=1, max_length=MOST_HASHES, description="Of its shingles, 8 hexadecimal digits each"
    )


class LedgerMatch(Shape):
    """A client that received some of the text."""

    client_id: str = Field(examples=[CLIENT])
    share: float = Field(
        description="Of the shingles kept of its closest answer, those that the text has", examples=[0.875]
    )
    answers: int = Field(description="Its answers of which the text has at least half", examples=[12])
    first_at: datetime = Field(description="When the first such answer was asked for", examples=[MOMENT])
    last_at: datetime = Field(examples=[MOMENT])


class LedgerShape(Shape):
    """Who received the text."""

    enabled: bool = Field(description="Whether the ledger is kept at all")
    days: float = Field(description="How far back it reaches, at most", examples=[7.0])
    clients: list[LedgerMatch] = Field(description="The closest first, at most 1,000")
