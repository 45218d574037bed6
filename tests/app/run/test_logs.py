"""A child's output: bounded on disk, quiet on the terminal."""

import resource

import pytest

from app.run.logs import BURST, LARGEST, WINDOW, BoundedLog, Output, warning_in


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'time=x level=warning role=worker logger=a message="Redis is away" cause=refused',
            "Redis is away cause=refused",
        ),
        (
            'time=x level=error role=worker logger=a message=failed error="Traceback ...\\nOSError: full"',
            "failed (OSError: full)",
        ),
        (r'level=error message="first\nsecond" error="a"', "first (a)"),
        (r'level=error message="Traceback (most recent call last):\n  File\nOSError: full\n"', "OSError: full"),
        ("level=warning message=" + "x" * 999, "x" * 240),
        ("time=x level=info role=worker logger=a message=hello", ""),
        ("Traceback (most recent call last):", ""),
        ("77:M 25 Nov 2026 17:40:00.123 # Out of disk", "Out of disk"),
        ("77:M 25 Nov 2026 17:40:00.123 * Ready to accept connections", ""),
        ("77:M 25 Nov 2026 17:40:00.123 # WARNING Memory overcommit must be enabled! vm.overcommit_memory", ""),
    ],
)
def test_what_is_a_warning(line, message):
    assert warning_in(line) == message


def test_lines_are_put_together_from_any_pieces(tmp_path):
    shown = []
    output = Output(BoundedLog(tmp_path / "x.log"), shown.append)
    for piece in (b"level=warn", b"ing message=one\nlevel=info mess", b"age=two\n", b"level=error message=three"):
        output.feed(piece, 0)
    assert shown == ["one"]
    output.feed(b"\n", 0)
    output.log.close()
    assert shown == ["one", "three"]
    assert (tmp_path / "x.log").read_text().count("\n") == 3


def test_a_flood_of_warnings_is_counted_not_shown(tmp_path):
    shown = []
    output = Output(BoundedLog(tmp_path / "x.log"), shown.append)
    for number in range(BURST + 40):
        output.feed(f"level=warning message=w{number}\n".encode(), 1.0 + WINDOW)
    assert len(shown) == BURST
    output.feed(b"level=warning message=later\n", 3 * WINDOW)
    output.log.close()
    assert shown[BURST].startswith("40 more warnings in ")
    assert shown[-1] == "later"


def test_a_line_without_an_end_does_not_grow(tmp_path):
    output = Output(BoundedLog(tmp_path / "x.log"), lambda _: None)
    for _ in range(50):
        output.feed(b"x" * 4000, 0)
    output.log.close()
    assert len(output.rest) <= 8192 + 4000


def test_the_file_is_bounded(tmp_path):
    log = BoundedLog(tmp_path / "x.log", largest=1000)
    for number in range(500):
        log.write(f"line {number}\n".encode())
    log.close()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) <= 2000
    assert (tmp_path / "x.log").read_text().endswith("line 499\n")
    assert LARGEST < 10 << 20


def test_obituary_prefers_what_explains(tmp_path):
    output = Output(BoundedLog(tmp_path / "x.log"), lambda _: None)
    assert output.obituary() == "it said nothing"
    output.feed(b"stillwatch: UPSTREAM: wrong. Remedy: none\nbye\n", 0)
    assert output.obituary() == "UPSTREAM: wrong. Remedy: none"
    output.feed(b"level=error message=worse\n", 0)
    output.log.close()
    assert output.obituary() == "worse"


def test_a_process_that_said_nothing_is_told_by_the_former_one_only_where_that_is_asked(tmp_path):
    output = Output(BoundedLog(tmp_path / "x.log"), lambda _: None)
    output.feed(b"level=error message=worse\n", 0)
    output.log.close()
    output.begin()
    assert output.obituary(former=False) == "it said nothing"
    assert output.obituary() == "worse"
    output.begin()
    assert output.obituary() == "worse"


def test_a_full_disk_loses_lines_and_nothing_else(tmp_path):
    """Rotation on a full disk once left a closed file behind: the child's pipe was read no more, and the child hung."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = BoundedLog(tmp_path / "x.log", largest=3000)
    output = Output(log, lambda _: None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))  # a write beyond it fails, as on a full disk
    try:
        for number in range(400):
            output.feed(f"line {number}\n".encode(), 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert log.path.stat().st_size <= 1500
    assert output.last[-1] == "line 399"
    log.largest = 100  # the next one turns the file over
    moved = log.path.with_name("gone")
    log.path.rename(moved)  # so that turning it over fails
    output.feed(b"while it fails\n", 0)
    output.feed(b"after it\n", 0)
    log.close()
    log.close()
    assert log.path.read_text().endswith("after it\n")
