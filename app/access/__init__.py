"""Who may call: tokens, their scopes, and sessions of the dashboard."""
