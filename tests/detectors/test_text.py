"""Text to hashes: the same for what means the same, different for what does not, and bounded on hostile input."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dialects.values import attachment
from detectors import grams, text
from detectors.forms import kind
from detectors.text import CLIP, clip, content, keys, mask, normalise, seeded, seeded_many, split

ANY = st.text(alphabet=st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("  Hello \t\r\n World  ", "hello world"),
        ("", ""),
        (" \n\t ", ""),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("Straße ﬁn", "strasse fin"),
        ("ÉCOLE E\u0301cole", "école école"),
        ("水\u3000は", "水 は"),
    ],
)
def test_normalise(raw, normal):
    assert normalise(raw) == normal


@given(ANY)
def test_normalise_leaves_single_spaces_and_none_at_the_ends(raw):
    normal = normalise(raw)
    assert normal == normal.strip()
    assert "  " not in normal


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=200))
def test_the_fast_way_for_ascii_agrees_with_the_other(raw):
    assert normalise(raw + " é") == f"{normalise(raw)} é".strip()


def test_clip_keeps_head_and_tail():
    assert clip("abc", 10) == "abc"
    clipped = clip("a" * 100 + "m" * 1000 + "z" * 100, 100)
    assert clipped == "a" * 50 + "\n" + "z" * 50


def test_each_character_of_a_script_without_spaces_is_a_token():
    assert split("请 把hello译成") == ["请", "把", "hello", "译", "成"]
    assert split("안녕 세상") == ["안녕", "세상"]
    assert split("ab cd") == ["ab", "cd"]


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("Item 42 costs 3.50", "item 0 costs 0"),
        ("on 2026-11-25 at 10:30:00", "on 0 at 0"),
        ("see https://example.com/a?b=c now", "see ⟨link⟩ now"),
        ("see www.example.com/x now", "see ⟨link⟩ now"),
        ('say "hello there" twice', "say ⟨quote⟩ twice"),
        ("say “hello there” and 「こんにちは」", "say ⟨quote⟩ and ⟨quote⟩"),
        ("don't say 'this thing' or `that one`", "don't say ⟨quote⟩ or ⟨quote⟩"),
        ("run ```py\nx = 1\n``` now", "run ⟨code⟩ now"),
        ('text """some\ntext""" now', "text ⟨code⟩ now"),
        ("open ```py\nx = 1", "open ⟨code⟩"),
        ("id 3f2b8c1d-77aa-4e1c-9d2f-001122334455 ok", "id ⟨hex⟩ ok"),
        ("key 0xDEADBEEF12 ok", "key ⟨hex⟩ ok"),
        ("blob QmFzZTY0IGlzIGEgYmluYXJ5IHRvIHRleHQ= ok", "blob ⟨blob⟩ ok"),
        ("⟨image_url fc0f0f1234567890⟩\nDescribe it.", "⟨image_url⟩ describe it."),
        ("⟨ψ| φ⟩ and ⟨too deep⟩", "⟨ψ| φ⟩ and ⟨too deep⟩"),
        ("⟨image_url fc0f2b1a99e07d34⟩ is what?", "⟨image_url⟩ is what?"),
        ("⟨image fc0f2b1a99e07d3⟩", "⟨image fc0f0b0a0e0d0⟩"),
        ("the decade facade", "the decade facade"),
        ("item-7: x", "item-0: x"),
    ],
)
def test_mask(raw, masked):
    assert mask(raw) == masked


def test_template_keys_see_the_template_and_not_the_slot():
    front = "Answer the question with a short reason and one word only. Question: {}"
    one, other = keys(front.format("why is the sky blue in 1999?")), keys(front.format("who was Ada Lovelace then?"))
    assert one.head12 == other.head12
    assert one.head4 == other.head4
    assert one.tail6 != other.tail6
    back = "{} -- translate the line above into plain German"
    one, other = keys(back.format("Ada was here in the evening")), keys(back.format("A cat sat"))
    assert one.tail6 == other.tail6
    assert one.head4 != other.head4


@pytest.mark.parametrize("slot", ['"{}"', "```\n{}\n```", "“{}”"])
def test_a_slot_in_quotes_may_be_longer_than_the_first_look(slot):
    wrapped = "Rate " + slot + " for me from one to ten please, and give a reason for the rate that you chose."
    one = keys(wrapped.format("short thing"))
    other = keys(wrapped.format("a much longer thing, told in very many words indeed, " * 4))
    assert one == other


@pytest.mark.parametrize("length", range(20, 160))
def test_an_attachment_never_tells_its_hash_wherever_a_window_cuts_it(length):
    long = "w" * length
    for wrapped in (f"a b c d e f g h i j {long} {{}} k l m", f"k l m {{}} {long} a b c d"):
        one, other = (keys(wrapped.format(f"⟨image {digest}⟩")) for digest in ("fc0f0f0d0f012345", "0cf0e0eedda99999"))
        assert one == other
        assert "⟨image⟩" in one.head12
        assert "⟨image⟩" in one.tail6


@pytest.mark.parametrize("many", [1, 3, 12])
@pytest.mark.parametrize("words", range(0, 40, 3))
def test_images_under_one_prompt_have_one_key(many, words):
    """Wherever the window cuts: what stands for an image tells what it shows, and a template is the same for all."""
    front = "The picture shows a room of a house, " + "seen from the door, " * words
    back = " seen" * words + " from the door. Describe it."
    made = set()
    for number in range(6):
        images = "\n".join(
            attachment("image_url", {"url": f"https://a.test/{number}/{one}.png"}) for one in range(many)
        )
        made |= {(keys(f"{images}\n{back}"), keys(f"{front}\n{images}"), keys(f"{front}\n{images}\n{back}"))}
    assert len(made) == 1


def test_keys_work_without_spaces():
    found = keys("请把下面的句子翻译成英文：今天天气很好。")
    assert found.head4 == "请 把 下 面"
    assert found.head12 == "请 把 下 面 的 句 子 翻 译 成 英 文"
    assert found.tail6 == "天 天 气 很 好 。"


@pytest.mark.parametrize("raw", ["", "   ", "\n"])
def test_no_token_no_key(raw):
    assert keys(raw) == ("", "", "")


def test_a_window_that_cuts_a_token_does_not_show():
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
    whole = keys(words * 30)
    assert whole.head12 == "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu"
    assert whole.tail6 == "xi omicron pi rho sigma tau"


def test_seeded_hashes():
    assert seeded("", 1) == 0
    assert seeded("a", 1) != seeded("a", 2)
    assert seeded("a", 1) == seeded("a", 1)
    assert seeded("\ud800", 1) != 0
    assert seeded_many(["ab", "c"], 1) != seeded_many(["a", "bc"], 1)
    assert seeded_many(["", ""], 1) == 0
    assert seeded_many([], 1) == 0


def test_content_of_a_long_text_counts_its_middle():
    head, tail = "a" * CLIP, "z" * CLIP
    one, other = head + "m" + tail, head + "n" + tail
    assert normalise(one) == normalise(other)
    assert content(one, normalise(one), 1) != content(other, normalise(other), 1)
    assert content("A  b", normalise("A  b"), 1) == content("a b", "a b", 1)


@given(st.lists(ANY, max_size=5))
def test_any_texts_are_taken(raw):
    for one in raw:
        keys(one)
        mask(one)
        text.script(one)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("", "none"),
        ("12 + 4 = 16 ?!", "none"),
        ("Hello 世界 and friends", "latin"),
        ("把这句话翻译成英文", "han"),
        ("この文章を英語に翻訳してください", "kana"),
        ("東京都千代田区の地図", "han"),
        ("이 문장을 번역해 주세요", "hangul"),
        ("Переведи это предложение", "cyrillic"),
        ("ترجم هذه الجملة", "arabic"),
        ("इस वाक्य का अनुवाद करें", "devanagari"),
        ("แปลประโยคนี้", "thai"),
        ("Μετάφρασε αυτό", "greek"),
        ("תרגם את המשפט", "hebrew"),
        ("თარგმნე ეს", "other"),
        ("\U00020000\U00020001", "han"),
        ("naïve café", "latin"),
    ],
)
def test_scripts(raw, name):
    assert text.SCRIPTS[text.script(normalise(raw))] == name


MEGABYTE = 1_000_000
HOSTILE = {
    "angle": "<" * MEGABYTE,
    "letters": "a" * MEGABYTE,
    "quotes": '"' * MEGABYTE,
    "open quotes": '"a ' * (MEGABYTE // 3),
    "apostrophes": "'a " * (MEGABYTE // 3),
    "backticks": "`" * MEGABYTE,
    "fences": "``` " * (MEGABYTE // 4),
    "fancy": "“" * MEGABYTE,
    "attached": "⟨a 0" * (MEGABYTE // 4),
    "attached, open": "⟨" + "a 0123456789abcdef" * (MEGABYTE // 18),
    "numbers": "1." * (MEGABYTE // 2),
    "hex": "0x" + "a" * MEGABYTE,
    "dashes": "aaaaaaaa-" * (MEGABYTE // 9),
    "links": "http://" * (MEGABYTE // 7),
    "spaces": " " * MEGABYTE,
    "lines": '"\n' * (MEGABYTE // 2),
    "combining": "a" + "\u0300\u0316" * (MEGABYTE // 2),
    "expanding": "\ufdfa" * MEGABYTE,
    "cjk": "水" * MEGABYTE,
    "surrogates": "\ud800" * MEGABYTE,
    "nulls": "\0" * MEGABYTE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_made_to_be_slow_is_not(name):
    """Whatever the text, the work is that of its head and tail."""
    raw = HOSTILE[name]
    grams.measure(["a"], 1)  # the loops are compiled where they are not yet
    begun = time.process_time()
    normal = normalise(raw)
    keys(raw)
    mask(raw)
    content(raw, normal, 1)
    text.script(normal)
    grams.measure([normal], 1)
    grams.gists([normal], 1)
    kind(raw)
    assert time.process_time() - begun < 2
