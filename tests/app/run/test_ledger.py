"""`stillwatch ledger`: a text is hashed here, found in edited and embedded copies, and said in a table."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from app.errors import InvalidInput, SettingError
from app.run.ledger import find, hashes, text_hashes
from app.settings import read_settings
from app.store.ledger import Ledger
from app.store.redis import Link
from app.store.secret import load_secret, text_seed
from app.worker.annotate import Annotator
from detectors import features
from detectors.exchange import Dialect, Exchange, Message, Operation

ANSWER = " ".join(f"sentence {n} speaks of river {7 * n % 31} and mountain {n * n % 53}." for n in range(60))


@pytest.fixture
def settings(tmp_path, redis_url):
    return read_settings({"REDIS_URL": redis_url, "STILLWATCH_DATA": str(tmp_path), "STILLWATCH_SECRET": "s" * 32})


@pytest.fixture
def received(settings):
    """The answer in the ledger, as the extractor and the worker put it there, for one client."""
    now = time.time()
    exchange = Exchange(
        at=now - 3_600, client=0xBEEF, dialect=Dialect.OPENAI, operation=Operation.CHAT, status=200,
        messages=(Message("user", "Speak of rivers."),), completions=(ANSWER,),
    )  # fmt: skip
    events = features.events([exchange], seed=text_seed(load_secret(settings)))
    link = Link(settings.redis_url, 5.0)
    Annotator(Ledger(link, settings.ledger_bytes, settings.ledger_days), lambda _: [], Counter())(events, now)
    link.close()


def ask(settings, folder, text, capsys):
    file = folder / "found.txt"
    file.write_text(text, encoding="utf-8")
    code = find(settings, file)
    return code, capsys.readouterr().out


def test_the_client_that_received_a_text_is_shown_with_share_and_time(settings, received, tmp_path, capsys) -> None:
    code, out = ask(settings, tmp_path, ANSWER, capsys)
    assert code == 0
    head, line = out.splitlines()
    assert head.split() == ["CLIENT", "FOUND", "ANSWERS", "FIRST", "LAST"]
    assert line.split()[:3] == ["cl_000000000000beef", "100%", "1"]


def test_an_answer_inside_a_long_document_is_found(settings, received, tmp_path, capsys) -> None:
    around = " ".join(f"filler {n} about trains {n * 17 % 101}" for n in range(9_000))
    code, out = ask(settings, tmp_path, f"{around}\n{ANSWER.upper()}\n{around}", capsys)
    assert (code, out.split()[5:7]) == (0, ["cl_000000000000beef", "100%"])


def test_another_text_is_nobodys(settings, received, tmp_path, capsys) -> None:
    code, out = ask(settings, tmp_path, "nothing of the kind was ever said by anyone here", capsys)
    assert code == 1
    assert out.startswith("no client received it")


def test_another_secret_finds_nothing(settings, received, tmp_path, capsys, redis_url) -> None:
    other = read_settings({"REDIS_URL": redis_url, "STILLWATCH_DATA": str(tmp_path), "STILLWATCH_SECRET": "t" * 32})
    assert ask(other, tmp_path, ANSWER, capsys)[0] == 1


def test_hashes_are_printed_for_the_rest_look_up(settings, tmp_path, capsys) -> None:
    file = tmp_path / "found.txt"
    file.write_text(ANSWER)
    assert hashes(settings, file) == 0
    told = json.loads(capsys.readouterr().out)["hashes"]
    assert len(told) > 100
    assert all(len(one) == 8 for one in told)
    assert "river" not in json.dumps(told)


def test_pieces_lose_no_shingle() -> None:
    text = " ".join(f"w{n}" for n in range(5_000))
    assert len(text_hashes(text, 1)) == 5_000 - 3
    chinese = "".join(chr(0x4E00 + n) for n in range(9_000))
    assert len(text_hashes(chinese, 1)) == 9_000 - 5
    assert len(text_hashes("", 1)) == 0


@pytest.mark.parametrize("text", ["", " \n", "three words only", "\u4e00\u4e01\u4e02\u4e03\u4e04"])
@pytest.mark.parametrize("command", [find, hashes])
def test_a_text_without_a_shingle_is_not_said_to_be_nobodys(settings, tmp_path, capsys, text, command) -> None:
    file = tmp_path / "short.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(
        SettingError, match=r"FILE: .*short.txt is too short to look for\. Remedy: give at least four words"
    ):
        command(settings, file)
    assert capsys.readouterr().out == ""


def test_four_words_are_long_enough(settings, tmp_path, capsys) -> None:
    assert ask(settings, tmp_path, "just four plain words", capsys) == (
        1, "no client received it, as far as the ledger knows (1 shingle looked for)\n",
    )  # fmt: skip


def test_mistakes_are_named(settings, tmp_path) -> None:
    with pytest.raises(InvalidInput, match="FILE"):
        find(settings, tmp_path / "none.txt")
    off = read_settings({"REDIS_URL": settings.redis_url, "STILLWATCH_LEDGER_BYTES": "0"})
    with pytest.raises(SettingError, match="LEDGER"):
        find(off, tmp_path / "none.txt")
