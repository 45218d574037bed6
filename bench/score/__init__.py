"""Scoring throughput, and what is proven of it under crashes."""
