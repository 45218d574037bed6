"""Notifications: written with the change they tell of."""
