"""Policies: from an alert to a decision."""
