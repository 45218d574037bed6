"""The worker: scores the events of the partitions that it owns."""
