"""CSV rows: with the line each begins at; quotes that are not closed are named where they were opened."""

import io

import pytest

from app.csvfile import rows
from app.errors import InvalidInput


def test_a_row_has_the_line_that_it_begins_at():
    lines = io.StringIO('a,b\r\n\r\n1,"x\r\ny"\r\n2,""\n', newline="")
    assert list(rows(lines)) == [(1, ["a", "b"]), (3, ["1", "x\r\ny"]), (5, ["2", ""])]


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,2\n3,"x\n' + "4,5\n" * 3,  # it would take in all the rest
        'a,b\n1,2\n3,"x\n' + "4,5\n" * 50_000,  # longer than the reader's limit for one value
        'a,b\n1,2\n3,"x"y\n',
    ],
)
def test_quotes_that_are_not_closed_are_named_where_they_were_opened(text):
    with pytest.raises(InvalidInput, match="close its quotes") as caught:
        list(rows(io.StringIO(text, newline="")))
    assert caught.value.pointer == "line 3"


def test_a_value_that_is_too_long_is_named_too():
    with pytest.raises(InvalidInput, match="line 2: a value has more than 131,072 characters: close its quotes"):
        list(rows(["a,b\n", f"1,{'x' * 140_000}\n"]))
