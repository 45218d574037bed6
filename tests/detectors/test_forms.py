"""The form of an answer, in any language."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import Kind
from detectors.forms import kind

PROSE = "The rain falls on the hills, and the river carries it down to the sea, where the sun takes it up again."

FORMS = {
    Kind.NONE: ["", "  \n"],
    Kind.LABEL: ["Yes", "no.", "positive", "B", "(C)", "Very likely",
        "是", "否。", "да", "ポジティブ", "spam/other", "긍정"],
    Kind.NUMBER: ["7", "8/10", "[[4]]", "Score: 8", "**Rating:** 4.5", "42%",
        "-3.14", "Rating: [[5]]", "8分", "оценка: 5"],
    Kind.RECORD: [
        '{"score": 4, "why": "short"}',
        '```json\n{"a": [1, 2]}\n```',
        '[{"name": "Ada"}, {"name": "Bo"}]',
        "<answer>\n<score>3</score>\n</answer>",
        "Name: Ada Lovelace\nBorn: 1815\nField: mathematics",
        "姓名：张三\n年龄：30",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
    Kind.LIST: [
        "1. Write a poem.\n2. Sort a list.\n3. Name three rivers.",
        "- apples\n- pears\n- plums",
        "Here are some:\n\n* one\n* two\n* three\n",
        "一、写一首诗\n二、排序\n三、说出三条河",
        "Task 1: Explain rain.\nTask 2: Name a river.\nTask 3: Draw a map.",
        "a) red\nb) green\nc) blue",
    ],
    Kind.CODE: [
        "```python\ndef add(a, b):\n    return a + b\n```",
        "def add(a, b):\n    total = a + b;\n    return (total)\nprint(add(1, 2));",
        "Here it is:\n```js\nfunction add(a, b) {\n  return a + b;\n}\nconsole.log(add(1, 2));\n```\nDone.",
    ],
    Kind.PROSE: [PROSE, PROSE * 20,
        "今天天气很好，我们去公园散步，然后在湖边吃午饭。" * 4,
        "It is a river in the north of the country."],
    Kind.REASONING: [
        "<think>First, 3 and 4 are added.</think>\nThe answer is seven.",
        "<reasoning>\nIt rains.\n</reasoning> Wet.",
        "Step 1: Add 3 and 4.\nStep 2: Halve the sum.\nSo it is three and a half.",
        "### Étape 1\nOn additionne.\n### Étape 2\nOn divise.",
        "第一步，先求和。\n第二步，再除以二。\n答案是三。",
        "Therefore the sum is \\boxed{7}.",
        "He has 3 + 4 apples and eats two of them on the way.\n#### 5",
        "3 + 4 = 7, then 7 * 2 = 14, and 14 - 4 = 10 at the end of it.",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in FORMS.items() for text in texts])
def test_forms(form, text):
    assert kind(text) == form


@given(st.text(alphabet=st.characters(), max_size=500))
def test_any_text_has_a_form(text):
    assert kind(text) in Kind
    assert (kind(text) == Kind.NONE) == (not text.strip())


@pytest.mark.parametrize(
    "piece", ["<", "[think", "`", "```\n", "\\boxed", "####", "=a", "1. ", "  \n", "a: b\n", "{", "<a ", "step ", "|"]
)
def test_a_megabyte_is_no_slower_than_its_ends(piece):
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    kind(text)
    assert time.process_time() - begun < 2
