"""Batch groups events by client and reduces over the groups exactly."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from detectors import batch as module
from detectors import twins
from detectors.batch import RARE, Batch, distinct, order_of, reach
from detectors.event import EVENT, Flag, zeros
from detectors.exchange import Operation, Outcome
from detectors.registry import load


def events(clients: list[int], **columns: list[float]) -> np.ndarray:
    out = zeros(len(clients))
    out["client"] = clients
    out["operation"] = Operation.CHAT
    for name, values in columns.items():
        out[name] = values
    return out


def test_clients_are_sorted_and_unique_with_their_segments() -> None:
    batch = Batch(events([9, 2, 9, 5, 2, 9]))
    assert batch.clients.tolist() == [2, 5, 9]
    assert batch.counts.tolist() == [2, 1, 3]
    assert batch.starts.tolist() == [0, 2, 3]
    assert batch.index.tolist() == [0, 0, 1, 2, 2, 2]


def test_events_of_a_client_keep_their_order() -> None:
    batch = Batch(events([9, 2, 9, 2], at=[4.0, 3.0, 2.0, 1.0]))
    assert batch["at"].tolist() == [3.0, 1.0, 4.0, 2.0]


def test_sums_maxima_and_minima_are_per_client() -> None:
    batch = Batch(events([7, 3, 7, 7], in_tokens=[1, 10, 100, 1000], at=[5.0, 1.0, 9.0, 2.0]))
    assert batch.sum(batch["in_tokens"]).tolist() == [10, 1101]
    assert batch.sum(np.column_stack([batch["in_tokens"], batch["in_tokens"]])).tolist() == [[10, 10], [1101, 1101]]
    assert batch.last.tolist() == [1.0, 9.0]
    assert batch.min(batch["at"]).tolist() == [1.0, 2.0]
    assert batch.spread(np.array([1, 2])).tolist() == [1, 2, 2, 2]


def test_integer_sums_do_not_lose_large_numbers() -> None:
    batch = Batch(events([1] * 3, in_tokens=[2**32 - 1] * 3))
    assert batch.sum(batch["in_tokens"]).tolist() == [3 * (2**32 - 1)]


def test_counted_leaves_out_failures_and_other_operations_but_no_client() -> None:
    block = events([1, 1, 2, 3, 4, 5])
    block["flags"][1] = Flag.RETRY
    block["status"][2] = 429
    block["operation"][3] = Operation.EMBEDDING
    block["outcome"][4] = Outcome.TIMEOUT
    counted = Batch(block).counted
    assert counted.clients.tolist() == [1, 2, 3, 4, 5]
    assert counted.counts.tolist() == [2, 0, 0, 0, 1]  # anyone can call a request a retry
    assert counted.sum(np.ones(len(counted), np.int64)).tolist() == [2, 0, 0, 0, 1]
    assert counted.max(counted["client"]).tolist() == [1, 0, 0, 0, 5]
    assert counted.spread(np.arange(5)).tolist() == [0, 0, 4]


def test_an_aborted_answer_counts_since_the_client_got_part_of_it() -> None:
    block = events([1])
    block["outcome"] = Outcome.CLIENT_ABORTED
    assert len(Batch(block).counted) == 1


def test_a_batch_upload_counts_and_the_job_made_of_it_does_not() -> None:
    block = events([1, 1], operation=[Operation.BATCH, Operation.BATCH], prompts=[1_800, 0])
    assert Batch(block).counted["prompts"].tolist() == [1_800]


def test_a_batch_without_anything_to_leave_out_is_its_own_counted_part() -> None:
    batch = Batch(events([1, 2]))
    assert batch.counted is batch


def test_compact_drops_clients_without_events() -> None:
    batch = Batch(events([1, 2, 2, 3], in_tokens=[1, 2, 3, 4]))
    part = batch.compact(batch["in_tokens"] >= 3)
    assert part.clients.tolist() == [2, 3]
    assert part.index.tolist() == [0, 1]
    assert part.sum(part["in_tokens"]).tolist() == [3, 4]


def test_fields_read_names_what_was_asked_for_in_the_counted_part_too() -> None:
    block = events([1, 2])
    block["status"][0] = 500
    batch = Batch(block)
    assert "payload" not in batch.fields_read
    _ = batch.counted["payload"]
    assert {"payload", "operation", "status"} <= batch.fields_read


def test_once_computes_a_shared_array_a_single_time() -> None:
    calls = []

    def compute(part: Batch) -> int:
        calls.append(part)
        return len(part)

    batch = Batch(events([1, 2]))
    assert [batch.once("size", compute), batch.once("size", compute)] == [2, 2]
    assert calls == [batch]


@pytest.mark.parametrize("seed", range(3))
def test_reductions_agree_with_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    block = events(rng.integers(0, 40, 500).tolist(), in_tokens=rng.integers(0, 9999, 500).tolist())
    batch = Batch(block)
    for place, client in enumerate(batch.clients):
        mine = block["in_tokens"][block["client"] == client]
        assert batch.sum(batch["in_tokens"])[place] == mine.sum()
        assert batch.max(batch["in_tokens"])[place] == mine.max()


def test_prefixes_hold_a_clients_first_events_once_for_each_length_asked_for() -> None:
    batch = Batch(events([9, 2, 9, 2, 9], in_tokens=[1, 10, 2, 20, 4]))
    part = batch.prefixes(np.array([1, 1, 0]), np.array([1, 3, 2]))
    assert part.clients.tolist() == [9, 9, 2]
    assert part["in_tokens"].tolist() == [1, 1, 2, 4, 10, 20]
    assert part.index.tolist() == [0, 1, 1, 1, 2, 2]
    assert part.sum(part["in_tokens"]).tolist() == [1, 7, 30]


def test_ids_that_differ_in_their_low_bits_alone_are_kept_apart() -> None:
    rng = np.random.default_rng(0)
    ids = (np.uint64(7) << np.uint64(40)) + rng.integers(0, 5, 300).astype(np.uint64)
    order = order_of(ids)
    assert np.array_equal(order, np.argsort(ids, kind="stable"))
    assert np.array_equal(distinct(ids), np.unique(ids))
    assert len(distinct(ids[:0])) == 0


@pytest.mark.parametrize("count", [1, 5, 70_000])
def test_counts_of_masks_are_exact_however_many_events_a_client_has(count: int) -> None:
    masks = np.random.default_rng(1).random((5, count)) < 0.9
    batch = Batch(events([1] * count))
    assert batch.count(*masks).tolist() == [masks.sum(axis=1).tolist()]


def test_reductions_of_clients_without_events_give_what_stands_for_nothing() -> None:
    batch = Batch(events([1, 2, 3], at=[5.0, 6.0, 7.0])).only(np.array([False, True, False]))
    assert batch.last.tolist() == [0.0, 6.0, 0.0]
    assert batch.first.tolist() == [np.inf, 6.0, np.inf]
    assert batch.count(np.array([True])).tolist() == [[0], [1], [0]]


def test_every_field_comes_back_as_a_column_of_its_own_kind() -> None:
    raw = np.random.default_rng(2).integers(0, 256, (700, EVENT.itemsize), np.uint8)
    block = raw.view(EVENT)[:, 0].copy()
    block["client"] %= 90
    batch, ordered = Batch(block), block[np.argsort(block["client"], kind="stable")]
    for name in EVENT.names:
        assert batch[name].dtype == ordered[name].dtype
        assert batch[name].tobytes() == ordered[name].tobytes(), name
    part = batch.only(batch["in_tokens"] % 2 == 0).compact(np.ones((ordered["in_tokens"] % 2 == 0).sum(), bool))
    assert part["sketch"].tobytes() == ordered["sketch"][ordered["in_tokens"] % 2 == 0].tobytes()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_every_field_is_a_column_in_the_order_of_clients(count: int) -> None:
    rng = np.random.default_rng(count)
    block = np.frombuffer(rng.bytes(count * EVENT.itemsize), EVENT).copy()
    block["client"] = rng.integers(0, 9, count)
    order = np.argsort(block["client"], kind="stable")
    apart = np.zeros(2 * count, EVENT)
    apart[::2] = block
    for given in (block, np.frombuffer(b"odd" + block.tobytes(), EVENT, offset=3), apart[::2]):
        batch = Batch(given)
        part = batch.only(np.arange(count) % 3 == 1)
        for name in EVENT.names or ():
            column = batch[name]
            assert (column.dtype, column.flags.c_contiguous) == (EVENT[name].base, True)
            assert column.tobytes() == block[name][order].tobytes(), name
            assert part[name].tobytes() == block[name][order][1::3].tobytes(), name


def test_parts_of_parts_stand_where_they_were_in_the_whole() -> None:
    batch = Batch(events([3, 1, 2, 1, 3, 2, 1], in_tokens=[0, 1, 2, 3, 4, 5, 6]))
    part = batch.only(batch["in_tokens"] != 3).only(np.array([True, False, True, True, False, True]))
    assert (part.whole is batch, batch.whole is batch) == (True, True)
    assert batch["in_tokens"][part.places].tolist() == part["in_tokens"].tolist() == [1, 2, 5, 4]
    assert (part.starts.tolist(), part.counts.tolist(), part.index.tolist()) == ([0, 1, 3], [1, 2, 1], [0, 1, 1, 2])
    again = batch.prefixes(np.array([1, 0, 1]), np.array([2, 1, 1]))
    assert batch["in_tokens"][again.places].tolist() == again["in_tokens"].tolist() == [2, 5, 1, 2]
    assert (len(again), again.index.tolist(), batch.places.tolist()) == (4, [0, 0, 1, 2], list(range(7)))


def test_which_events_count_is_told_of_each_by_itself() -> None:
    rng = np.random.default_rng(5)
    block = events(rng.integers(0, 9, 900).tolist())
    block["operation"], block["outcome"] = rng.integers(0, len(Operation), 900), rng.integers(0, len(Outcome), 900)
    block["prompts"], block["status"] = rng.integers(0, 2, 900), rng.choice([200, 399, 400], 900)
    block["flags"] = rng.integers(0, 2**17, 900)
    block = np.sort(block, order="client", kind="stable")
    text = {Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE}
    expected = [
        (event["operation"] in text or (event["operation"] == Operation.BATCH and event["prompts"] > 0))
        and event["outcome"] <= Outcome.CLIENT_ABORTED
        and event["status"] < 400
        for event in block
    ]
    batch = Batch(block)
    assert batch.counted_mask.tolist() == expected
    assert len(batch.counted) == sum(expected)


def test_no_detector_reads_what_is_fetched_one_by_one() -> None:
    assert not {name for detector in load().detectors for name in detector.reads} & {*RARE}


def test_no_kind_of_batch_needs_a_loop_compiled_anew() -> None:
    block = events([1, 2, 2, 3], status=[200, 500, 200, 200])
    apart = np.zeros(8, EVENT)
    apart[::2] = block
    packed = np.frombuffer(b"odd" + block.tobytes(), EVENT, offset=3)
    for given in (block, np.frombuffer(block.tobytes(), EVENT), packed, apart[::2], block[:1], block[:0]):
        batch = Batch(given)
        for part in (batch, batch.counted, batch.only(batch["status"] > 900), batch.compact(batch["status"] > 200)):
            twins.habits(part)
    loops = (
        module._gather_all,
        module._count_kept,
        module._mark_counted,
        twins._measure,
        twins._codes,
        twins._count_codes,
    )
    assert [len(loop.signatures) for loop in loops] == [1] * len(loops)


@hypothesis.given(st.lists(st.integers(0, 12) | st.integers(2**64 - 8, 2**64 - 1), max_size=60), st.integers(1, 12))
def test_reach_ends_before_the_event_that_brings_one_client_too_many(clients: list[int], most: int) -> None:
    expected = next((k for k in range(len(clients)) if len(set(clients[: k + 1])) > most), len(clients))
    assert reach(np.array(clients, np.uint64), most) == expected
