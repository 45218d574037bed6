"""The form of an answer, in any language."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.event import Kind
from detectors.forms import _plain, kind

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


LIKE = [
    ("Step 1: Add.\nStep 2: Halve it.", [
        "الخطوة 1: اجمع.\nالخطوة 2: اقسم.", "خطوة ١: اجمع.\nخطوة ٢: اقسم.", "1. Adım: Toplayın.\n2. Adım: Bölün.",
        "ขั้นตอนที่ 1: บวก\nขั้นตอนที่ 2: หาร", "手順1：足します。\n手順2：割ります。",
        "Ｓｔｅｐ　１：足す\nＳｔｅｐ　２：割る", "1. lépés: Add össze.\n2. lépés: Oszd el.",
        unicodedata.normalize("NFD", "Étape 1 : Ajoutez.\nÉtape 2 : Divisez."), "Крок 1: Додай.\nКрок 2: Поділи.",
        "שלב 1: חברו\nשלב 2: חלקו", "مرحله ۱: جمع کنید\nمرحله ۲: تقسیم کنید", "Βήμα 1: Προσθέστε\nΒήμα 2: Διαιρέστε",
    ]),
    ("3 + 4 = 7, then 7 * 2 = 14, and 14 - 4 = 10 it is in the end.", [
        "３＋４＝７、次に７＊２＝１４、そして１４－４＝１０となり、最後に答えは十となります。ここまでが計算の過程です。"]),
    ("- Apples\n- Pears\n- Plums", [
        "・りんご\n・梨\n・すもも", "•苹果\n•梨\n•李子", "●りんご\n●梨\n●すもも", "-苹果\n-梨\n-李子"]),
    ("1. Apples\n2. Pears\n3. Plums", [
        "1.苹果\n2.梨\n3.李子", "１．りんご\n２．梨\n３．すもも", "（1）苹果\n（2）梨\n（3）李子",
        "1）Apple\n2）Pear\n3）Plum 李", "① 苹果\n② 梨\n③ 李子", "①苹果\n②梨\n③李子", "१. सेब\n२. नाशपाती\n३. बेर"]),
    ("a) red\nb) green\nc) blue", [
        "а) красный\nб) зелёный\nв) синий", "أ. أحمر\nب. أخضر\nج. أزرق", "ก. แดง\nข. เขียว\nค. น้ำเงิน",
        "가. 빨강\n나. 초록\n다. 파랑", "α) κόκκινο\nβ) πράσινο\nγ) μπλε", "א. אדום\nב. ירוק\nג. כחול"]),
    ("Question 1: What is it?\nQuestion 2: Who is it?\nQuestion 3: Why is it?", [
        "问题 1：什么是水？\n问题 2：什么是火？\n问题 3：什么是土？", "質問1：水とは？\n質問2：火とは？\n質問3：土？",
        "प्रश्न 1: जल क्या है?\nप्रश्न 2: अग्नि क्या है?\nप्रश्न 3: पृथ्वी क्या है?", "คำถาม 1: น้ำ\nคำถาม 2: ไฟ\nคำถาม 3: ดิน"]),
    ("Name: Anna\nAge: 12", [
        "नाम: अन्ना\nआयु: 12", "ชื่อ: แอนนา\nอายุ: 12", "\u200fالاسم: آنا\n\u200fالعمر: 12", "价格（元）：12\n名称：苹果",
        "Nom\u00a0: Anna\nÂge\u00a0: 12"]),
    ("Score: 8", ["स्कोर: 8", "স্কোর: ৮", "மதிப்பெண்: 8", "คะแนน: 8", "スコア：８"]),
    ("partially correct", ["आंशिक रूप से सही", "ถูกต้องบางส่วน", "\u0301", "\u200b"]),
]  # fmt: skip


@pytest.mark.parametrize(("english", "other"), [(english, one) for english, others in LIKE for one in others])
def test_a_form_is_the_same_in_any_language(english, other):
    assert kind(other) == kind(english) != Kind.PROSE


@pytest.mark.parametrize("text", [
    "今天天气很好；\n我们去公园散步；\n然后在湖边吃午饭；", "*注意*今天\n*天气*很好\n*我们*散步",
    "え、本当ですか。\nあ、そうですか。\nで、どうしますか。",
])  # fmt: skip
def test_lines_of_prose_stay_prose(text):
    assert kind(text) == Kind.PROSE


def test_signs_that_grow_when_unified_do_not_make_a_label_prose():
    assert kind(f"letters {'a' * 34}™™™™") == kind(f"letters {'a' * 34}……") == Kind.LABEL
    assert kind("Yes…\nNo…\nSo…") == Kind.PROSE


@given(st.text(alphabet=st.characters(max_codepoint=127), min_size=1, max_size=400))
def test_plain_spelling_of_ascii_is_the_text_itself(text):
    assert _plain(text) == (text.strip() or text)


@given(st.text(alphabet=st.characters(), max_size=500))
def test_any_text_has_a_form(text):
    assert kind(text) in Kind
    assert (kind(text) == Kind.NONE) == (not text.strip())


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "[think",
        "`",
        "```\n",
        "\\boxed",
        "####",
        "=a",
        "1. ",
        "  \n",
        "a: b\n",
        "{",
        "<a ",
        "step ",
        "|",
        "①",
        "\u0301",
        "\ufdfa",
        "（1）",
        "题1",
        "नि",
    ],
)
def test_a_megabyte_is_no_slower_than_its_ends(piece):
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    kind(text)
    assert time.process_time() - begun < 2
