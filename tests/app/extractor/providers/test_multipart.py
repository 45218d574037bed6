"""Forms are taken apart as they stand, with a gap or without."""

from __future__ import annotations

import pytest

from app.extractor.providers.multipart import Part, parts

TYPE = b'multipart/form-data; boundary="b-1"'
FORM = (
    b'preamble\r\n--b-1\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b-1\r\n'
    b'content-disposition: form-data; filename="a; name=.jsonl"; name="file"\r\nContent-Type: text/plain\r\n\r\n'
    b"one\r\n--b-2\ntwo\r\n--b-1--\r\nepilogue"
)


def test_fields_and_files():
    assert parts(FORM, b"", TYPE, cut=False) == [
        Part("purpose", "", b"batch"),
        Part("file", "a; name=.jsonl", b"one\r\n--b-2\ntwo"),
    ]


def test_a_gap_in_the_file():
    place = FORM.index(b"one")
    found = parts(FORM[: place + 2], FORM[place + 5 :].replace(b"epilogue", b""), TYPE, cut=True)
    assert found[1] == Part("file", "a; name=.jsonl", b"on", b"--b-2\ntwo", True)


def test_a_field_behind_the_gap():
    tail = b'rest\r\n--b-1\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b-1--\r\n'
    head = b'--b-1\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nbeg'
    assert parts(head, tail, TYPE, cut=True) == [
        Part("file", "x", b"beg", b"rest", True),
        Part("purpose", "", b"batch"),
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (FORM, b"multipart/form-data"),
        (FORM, b"multipart/form-data; boundary="),
        (b"", TYPE),
        (b"--b-1", TYPE),
        (b"--b-1\r\nno blank line", TYPE),
        (b"--b-1\r\n\r\nno name", TYPE),
        (b"--b-1--\r\n", TYPE),
    ],
)
def test_what_is_no_form_has_no_fields(head, kind):
    assert parts(head, b"", kind, cut=False) == []
