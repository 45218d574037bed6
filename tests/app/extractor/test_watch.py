"""The access log: a line a request, without what is nobody's business; and a watcher's fault costs nothing."""

import dataclasses
import logging
from collections import Counter

from app.extractor import providers, watch
from app.telemetry import LineFormatter


def test_a_line_says_what_happened_and_no_more(copy_of, caplog):
    caplog.set_level(logging.INFO, "stillwatch.access")
    body = b'{"model": "m-1", "messages": [{"role": "user", "content": "canary-text"}]}'
    copy = dataclasses.replace(
        copy_of(body, b'{"usage": {"prompt_tokens": 3, "completion_tokens": 2}}', client=0xC0FFEE),
        target=b"/v1/chat/completions?key=canary-key&q=canary-query",
    )
    watch.access_line(copy, providers.parse(copy))
    [record] = caplog.records
    line = LineFormatter("extractor").format(record)
    for part in ("client=cl_0000000000c0ffee", "method=POST", "path=/v1/chat/completions ", "status=200", "outcome=ok"):
        assert part in line
    assert "model=m-1" in line
    assert f"bytes_in={len(body)}" in line
    assert "canary" not in line
    assert "\n" not in line


def test_a_watcher_that_fails_is_counted_and_the_others_are_told(copy_of):
    seen = []
    counts = Counter()

    def broken(copy, exchange):
        raise RuntimeError("ours")

    copies = [copy_of(b"{}", b"{}", client=client) for client in range(3)]
    exchanges = [providers.parse(copy) for copy in copies]
    watch.tell([broken, lambda copy, exchange: seen.append(copy.client)], copies, exchanges, counts)
    assert seen == [0, 1, 2]
    assert counts["watchers_failed"] == 3
