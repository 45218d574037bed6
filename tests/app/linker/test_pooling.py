"""The members' rows are read from where workers put them."""

import contextlib

import numpy as np

from app.linker.pooling import rows_of
from app.store.redis import Link
from app.store.stream import partition_of, row_key
from detectors.registry import load

PARTITIONS = 4


def test_rows_that_are_there_and_ours_come_back(redis_url):
    engine = load()
    rows = engine.empty(np.array([1, 2, 3], np.uint64))
    rows["schema"][2] += 1
    with contextlib.closing(Link(redis_url, 2.0)) as link:
        for row in rows:
            place = int(partition_of(row["client"].reshape(1), PARTITIONS)[0])
            link.call("SET", row_key(place, int(row["client"])), row.tobytes())
        link.call("SET", row_key(int(partition_of(np.array([4], np.uint64), PARTITIONS)[0]), 4), b"short")
        found = rows_of(link, engine.row, engine.schema, [1, 2, 3, 4, 5], PARTITIONS)
    assert sorted(found["client"].tolist()) == [1, 2]
