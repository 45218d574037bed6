"""The terminal: plain and flushed where it is no terminal, and never a reason to stop."""

import io
import shlex

import pytest

from app.run.screen import Addresses, Screen

SAMPLE = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:2/api", "sw_token", "data, logs", "")


def printed(*acts):
    file = io.StringIO()
    screen = Screen(file)
    for act in acts:
        act(screen)
    return file.getvalue()


def test_banner_has_addresses_token_and_the_label():
    text = printed(lambda screen: screen.banner(SAMPLE))
    for part in ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/api", "sw_token", "SAMPLE data", "UPSTREAM=https://"):
        assert part in text
    assert "\x1b" not in text


def test_banner_with_an_upstream_says_what_to_do():
    where = Addresses("http://g", "http://c", "http://c/api", "t", "d", "https://api.example.com")
    text = printed(lambda screen: screen.banner(where))
    assert "https://api.example.com" in text
    assert "Point your clients at the gateway" in text
    assert "SAMPLE" not in text


def test_the_example_is_one_command():
    words = shlex.split(Screen.example(SAMPLE))
    assert words[:2] == ["curl", "http://127.0.0.1:1/v1/chat/completions"]
    assert words[-1].startswith('{"model": "sample-small"')


def test_markup_in_messages_is_text():
    assert "[bold]x[/]" in printed(lambda screen: screen.event("worker", "[bold]x[/]"))


def test_progress_is_printed_once_where_there_is_no_terminal():
    text = printed(*[lambda screen: screen.progress("5 scored")] * 3, lambda screen: screen.progress(""))
    assert text == "5 scored\n"


def test_progress_rewrites_its_line_on_a_terminal():
    file = io.StringIO()
    screen = Screen(file)
    screen.live = True
    screen.progress("5 scored")
    screen.say("news")
    screen.progress("6 scored")
    assert file.getvalue() == "\r\x1b[2K5 scored\r\x1b[2Knews\n5 scored\r\x1b[2K6 scored"


@pytest.mark.parametrize("act", ["say", "progress"])
def test_a_terminal_that_went_away_is_no_reason_to_stop(act):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    screen = Screen(Gone())
    screen.live = act == "progress"
    getattr(screen, act)("hello")
