"""Alerts: a record for review, from the finding that opened it to the verdict that closed it."""
