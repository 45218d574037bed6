"""Clients: who is scored, and what is known of them now."""
