"""Beside each gateway: copies of exchanges in, batches of events out; the only process that reads text."""
