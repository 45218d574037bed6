"""EVENT is a fixed record that any block of bytes either is or is refused as."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import EVENT, FIELDS, Flag, pack, unpack, zeros


def test_the_record_is_aligned_so_that_columns_are_fast():
    assert EVENT.itemsize == 384
    assert EVENT.itemsize % 8 == 0
    for name in EVENT.names:
        base, offset = EVENT.fields[name][0].base, EVENT.fields[name][1]
        assert offset % max(1, base.alignment) == 0, name


def test_the_record_is_little_endian_whatever_the_machine():
    assert not [
        field.name
        for field in FIELDS
        if field.dtype.startswith((">", "=")) or (field.dtype[0] in "fiu" and field.dtype[1] != "1")
    ]


def test_zeros_say_unknown_where_nothing_is_known():
    event = zeros(1)[0]
    assert np.isnan(event["ttfb"])
    assert np.isnan(event["temperature"])
    assert event["top_logprobs"] == -1
    assert event["prompts"] == event["choices"] == 1


@given(st.integers(0, 50), st.randoms())
def test_pack_and_unpack_are_inverse(count, random):
    raw = random.randbytes(count * EVENT.itemsize)
    events = unpack(raw)
    assert len(events) == count
    assert pack(events) == raw


def test_blocks_concatenate():
    one, two = zeros(2), zeros(3)
    one["client"], two["client"] = 1, 2
    assert unpack(pack(one) + pack(two))["client"].tolist() == [1, 1, 2, 2, 2]


@pytest.mark.parametrize("length", [1, EVENT.itemsize - 1, EVENT.itemsize + 1])
def test_a_torn_block_is_refused(length):
    with pytest.raises(ValueError, match="not a whole number"):
        unpack(bytes(length))


def test_another_dtype_is_refused():
    with pytest.raises(ValueError, match="EVENT"):
        pack(np.zeros(3, "f8"))


def test_flags_fit_their_field_and_never_overlap():
    values = [int(flag) for flag in Flag]
    assert sum(values) == max(values) * 2 - 1
    assert max(values) < 1 << 32


def test_field_names_are_unique_and_explained():
    names = [field.name for field in FIELDS]
    assert len(names) == len(set(names))
    assert all(field.meaning for field in FIELDS)
