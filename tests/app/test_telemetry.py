"""Logs are one line each and give no secret away."""

import logging
import sys
import time

import pytest

from app.settings import read_settings
from app.telemetry import LineFormatter, configure_logging, scrub


@pytest.fixture
def _logging_restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def line(message, *args, exc_info=None, **extra):
    record = logging.LogRecord("app.x", logging.WARNING, __file__, 1, message, args, exc_info)
    record.__dict__.update(extra)
    return LineFormatter("gateway").format(record)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /v1/models?key=AIzaSecret HTTP/1.1", "AIzaSecret"),
        ("header Authorization: Bearer abc.def-123", "abc.def-123"),
        ("sent sk-proj-abcdefghijkl", "abcdefghijkl"),
        ("made swt_abcdefghijkl", "abcdefghijkl"),
        ("x-api-key=0123456789", "0123456789"),
        ("connect postgresql://u:hunter2@db/stillwatch", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
    ],
)
def test_no_secret_survives(text, secret):
    assert secret in text
    assert secret not in scrub(text)


@pytest.mark.parametrize("word", ["/", "://", "a/", "?/", "sk-", "token", "token=", "bearer ", "://a:"])
def test_a_long_line_is_cleaned_in_no_time(word):
    text = word * (300_000 // len(word))
    began = time.monotonic()
    scrub(text)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("at=/a/b?k=v&w end", "at=/a/b?*** end"),
        ('https://h/p?k and "/q?k"', 'https://h/p?*** and "/q?***"'),
        ("why? /a?b what?yes", "why? /a?*** what?yes"),
        ("a?b/c?d", "a?b/c?***"),
    ],
)
def test_queries_are_told_from_questions(text, cleaned):
    assert scrub(text) == cleaned


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\x7f", "\x85", "\u2028", "\u202e", "\ud800", "\x00"])
def test_nothing_in_a_field_steers_the_terminal_or_ends_the_line(sign):
    for value in (f"gpt{sign}[31m", f"two words {sign}"):
        text = line("request", model=value)
        assert text.isprintable()
        assert f"\\u{ord(sign):04x}" in text
    assert line("message é", model="模型").endswith('message="message é" model=模型')


def test_what_is_no_secret_survives():
    text = "redis unix:///data/valkey.sock away, 3 dropped, retry in 0.5 s"
    assert scrub(text) == text


def test_line_is_structured_and_single():
    text = line("lost %d\nblocks", 3, partition=7, cause="not a word")
    assert "\n" not in text
    assert "level=warning role=gateway logger=app.x" in text
    assert text.endswith('partition=7 cause="not a word"')


def test_an_exception_stays_on_the_line():
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        text = line("failed", exc_info=sys.exc_info())
    assert "\n" not in text
    assert "ValueError" in text


def test_a_very_long_message_is_cut():
    assert len(line("x" * 100_000)) == 4000


@pytest.mark.usefixtures("_logging_restored")
def test_configured_once_for_every_logger(capsys):
    configure_logging(read_settings({"STILLWATCH_LOG_LEVEL": "warning"}), "worker")
    logging.getLogger("uvicorn.error").warning("server says")
    logging.getLogger("app.worker").info("too quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "role=worker logger=uvicorn.error" in captured.err
    assert "too quiet" not in captured.err
    assert captured.err.count("\n") == 1
