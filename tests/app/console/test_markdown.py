"""The alert as text: whole, and harmless wherever it is pasted."""

from app.console.markdown import plain


async def test_the_document_holds_what_the_page_holds(console, reviewer):
    ids = await console.seed()
    answer = await reviewer.get(f"/alerts/{ids['closed']}/markdown")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    text = answer.text
    assert text.startswith("# It fills one wording with new content in 63 %")
    for part in ("## Why", "## What speaks for an ordinary use", "## Cannot tell", "## Data quality", "## History"):
        assert part in text
    assert f"http://console.test/alerts/{ids['closed']}" in text
    assert "Closed: benign, expected by ana: Agreed with the customer" in text
    assert "No blind spot known, by the counts of " in text


def test_markup_in_the_text_is_escaped():
    assert plain("a *b* [c](http://x) <i>\n# d | e") == "a \\*b\\* \\[c\\](http://x) \\<i\\> \\# d \\| e"


def test_what_turns_or_hides_the_text_behind_it_is_left_out():
    assert plain("a\u202etxt.exe\u2066 b\x1b[2J \u0646\u200c\u0645") == "atxt.exe b\\[2J \u0646\u200c\u0645"


async def test_hostile_text_does_not_become_markup(console, reviewer, tools):
    alert = await console.open_alert(0xBAD, sentence="[click](https://evil.example) <script>")
    text = (await reviewer.get(f"/alerts/{alert}/markdown")).text
    assert "[click](" not in text
    assert "<script>" not in text
