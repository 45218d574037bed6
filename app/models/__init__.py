"""The tables, one a file; `metadata` is what the migrations must agree with."""

from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import Base, new_id
from app.models.client import Client, client_number, client_ref
from app.models.decision import Decision
from app.models.label import Label
from app.models.mode import ModeChange
from app.models.outbox import OutboxMessage
from app.models.session import ConsoleSession
from app.models.token import Token

metadata = Base.metadata

__all__ = [
    "Alert",
    "AlertEvent",
    "Base",
    "Client",
    "ConsoleSession",
    "Decision",
    "Label",
    "ModeChange",
    "OutboxMessage",
    "Token",
    "client_number",
    "client_ref",
    "metadata",
    "new_id",
]
