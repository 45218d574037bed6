"""Exchanges that did not pass our gateway: the same features, the same engine."""
