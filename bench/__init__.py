"""Benchmarks: speed, cost and detection; nothing here ships."""
