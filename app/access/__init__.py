"""Who may call: tokens, their scopes, and sessions of the dashboard."""

from app.access.bootstrap import load_admin_token
from app.access.tokens import Principal, authenticate, create_token, ensure_admin, list_tokens, revoke_token

__all__ = [
    "Principal",
    "authenticate",
    "create_token",
    "ensure_admin",
    "list_tokens",
    "load_admin_token",
    "revoke_token",
]
