"""Stillwatch, the service: gateway, extractor, worker, API and dashboard."""
