"""`stillwatch run`: every process on one machine, under one supervisor."""
