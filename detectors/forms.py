"""The form of an answer: label, number, record, list, code, prose or a worked argument; no language is assumed."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np

from detectors.event import Kind
from detectors.text import unified

_LOOK: Final = 4_000  # characters of an answer that are looked at, head and tail
_LABEL_CHARS: Final = 48
_LABEL_WORDS: Final = 6
_LABEL_SIGNS: Final = 12  # characters of a label in a script without spaces
_LINES: Final = 200
_FEW: Final = 3  # so many items are a list, so many equations an argument
_LONG_ITEM: Final = 400  # characters: a "list" of longer ones is prose with numbered parts

# Marks that are set to letters, and signs of no width: words are told by their letters, whatever the script.
_MARK = np.array([unicodedata.category(chr(code)) in ("Mn", "Mc", "Me", "Cf") for code in range(1 << 16)] + [False])
# The bytes of UTF-8 but those that a sign of a script with such marks begins with: U+0300, and U+0580 to U+1FFF.
_OTHER_BYTES: Final = bytes(byte for byte in range(256) if byte not in (0xCC, 0xCD, *range(0xD6, 0xE2)))
# Marks of lists that NFKC would make plain digits and brackets, which say less.
_ORDINALS: Final = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_ORDINAL = re.compile(rf"(?<=\d)[．）]|[{_ORDINALS}]")
_ORDINAL_SIGNS: Final = "①．）"


def _unmarked(text: str) -> str:
    """`text` without combining marks and signs of no width, where it has letters of a script that sets them."""
    if not text.encode("utf-8", "surrogatepass").translate(None, _OTHER_BYTES):
        return text
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    marks = _MARK.take(codes, mode="clip")
    return codes[~marks].tobytes().decode("utf-32-le", "surrogatepass") if marks.any() else text


def _plain(text: str) -> str:
    """A text in one spelling, whatever the script, its width and its marks; as it was if nothing would be left."""
    if any(sign in text for sign in _ORDINAL_SIGNS):
        text = _ORDINAL.sub(lambda found: f"{_ORDINALS.find(found.group()) + 1 or ''}、", text)
    text = text.replace("…", "⋯")  # which NFKC leaves alone: three full stops would be other signs, and more of them
    return _unmarked(unified(text)).strip() or text


# A text is looked at in plain spelling, so that none of the expressions knows full-width signs or combining marks.
_THINKING = re.compile(
    r"[<\[◁](?:\|)?/?(?:think(?:ing)?|reason(?:ing)?|thoughts?|scratch_?pad|cot|rationale|begin_of_thought"
    r"|reflection|step|analysis)(?:\|)?[>\]▷]",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\\boxed\s?\{|^####[ \t]*\S|^\s{0,8}<answer>", re.MULTILINE | re.IGNORECASE)
# A numbered step, named as such: "Step 3", "### Étape 2", "第三步", "步骤 1", "ステップ1", "1단계".
_STEP = re.compile(
    r"[\s#*>\-]{0,12}(?:(?:step|schritt|[ée]tape|paso|passo|шаг|крок|krok|adım|stap|steg|langkah|bước|βήμα|चरण"
    rf"|(?:ال)?خطوة|المرحلة|مرحله|گام|שלב|{_unmarked('ขั้นตอน(?:ที่)?')}|步骤|步驟|ステップ|手順|단계)"
    r"\s{0,3}[\d一二三四五六七八九十]|第[\d一二三四五六七八九十]{1,3}步|\d{1,2}(?:\s?단계|\. ?(?:adım|lépés)))",
    re.IGNORECASE,
)
_EQUATION = re.compile(r"[\d\w)\]}$]\s?(?:=|≈|≤|≥|⇒|\\implies|\\Rightarrow|\\approx)\s?[\-\d\w(\\{$]")
_TIGHT: Final = "[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_LETTERS: Final = "[a-zA-Zα-ωΑ-Ωа-яёА-ЯЁא-ת\u0621-\u064aก-ฮ가나다라마바사]"
_ITEM = re.compile(
    rf"[ \t]{{0,12}}(?:[-*•–·▪●◦+][ \t]|[-•–·▪●◦○■◆](?={_TIGHT})|・"
    rf"|[#*]{{0,6}}[ \t]?(?:\w{{1,20}}[ \t]|{_TIGHT}{{1,8}})?[(\[]?(?:\d{{1,4}}|{_LETTERS}|[ivxIVX]{{1,5}})"
    rf"[.):\]、](?:[\s*]|(?={_TIGHT}))"
    r"|\(?[一二三四五六七八九十]{1,3}[)、.]|\(?\d{1,3}、)"
)
_FENCE = re.compile(r"```[^\n]{0,40}\n(.*?)(?:\n```|\Z)", re.DOTALL)
_CODE_LINE = re.compile(
    r"[ \t]{0,80}(?:(?:def|class|function|import|from|return|public|private|static|const|let|var|if|for|while|else|elif"
    r"|try|package|using|namespace|struct|impl|fn|func|#include|select|insert|update|create|end|module)\b.{0,200}"
    r"[:;{(,)=]|.{0,300}[;{}]|[})\]]+[;,]?)[ \t]{0,8}",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"[ \t]{0,8}[\"'*\-]{0,4}[^\W\d](?:[^\W\d]|[ .\-/()]){0,40}[\"'*]{0,3}[ \t]?[:=][ \t*]{0,4}\S.{0,200}"
)
_PAIR_LONGEST: Final = 263  # characters of a line that is a pair
_MARKUP = re.compile(r"<([A-Za-z_][\w.\-]{0,40})(?:\s[^<>]{0,200})?>")
_NUMBER = re.compile(r"\d")
_WORDY = re.compile(r"[^\W\d_]+")
_SPACELESS = re.compile(_TIGHT)


def _short(text: str) -> Kind:
    """A short answer of one line: a number or a label, else prose."""
    signs = len(_SPACELESS.findall(text))
    words = len(text.split())
    if words > _LABEL_WORDS or signs > _LABEL_SIGNS:
        return Kind.PROSE
    if _NUMBER.search(text) and len(_WORDY.findall(text)) - bool(signs) <= 2:
        return Kind.NUMBER
    return Kind.LABEL


def _is_record(text: str) -> bool:
    """JSON, XML, a table, or a few named values and nothing else."""
    first, last = text[0], text[-1]
    if (first == "{" and last == "}") or (first == "[" and last == "]" and text[1:].lstrip()[:1] in '{["'):
        return len(text) > 2 and (first == "{" or '"' in text or "{" in text or "'" in text)
    if first == "<" and last == ">":
        tag = _MARKUP.match(text)
        return tag is not None and text.endswith(f"</{tag[1]}>")
    if "\n" not in text:
        return False
    lines = _lines(text)
    if len(lines) >= 2 and first == "|" and last == "|":
        return all(line.lstrip()[:1] == "|" for line in lines)
    return 2 <= len(lines) <= 12 and max(map(len, lines)) <= _PAIR_LONGEST and all(map(_PAIR.fullmatch, lines))


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n", _LINES)[:_LINES] if line.strip()]


def _code_share(text: str, lines: list[str]) -> float:
    """How much of a text is code: in fences, or in lines that end as code does, in signs as they came."""
    fenced = sum(len(block) for block in _FENCE.findall(text)) if "`" in text and "```" in text else 0
    if fenced:
        return fenced / len(text)
    if len(lines) < _FEW:
        return 0.0
    if not any(sign in text for sign in ";{}()="):
        return 0.0
    return sum(1 for line in lines if _CODE_LINE.fullmatch(line)) / len(lines)


def _is_worked(text: str, lines: list[str]) -> bool:
    """Tags of thinking, numbered steps, a marked final answer, or a chain of equations."""
    if ("<" in text or "[" in text or "◁" in text) and _THINKING.search(text):
        return True
    marked = ("\\" in text or "#" in text or "<" in text) and ("boxed" in text or "####" in text or "<answer>" in text)
    if marked and _FINAL.search(text):
        return True
    if len(lines) > 1 and sum(1 for line in lines if _STEP.match(line)) >= 2:
        return True
    return ("=" in text or "≈" in text) and len(_EQUATION.findall(text)) >= _FEW


def kind(answer: str) -> Kind:
    """The form of an answer, told from its head and tail; NONE where it has no text."""
    if len(answer) > _LOOK:
        answer = f"{answer[: _LOOK // 2]}\n{answer[-_LOOK // 2 :]}"
    raw = answer.strip()
    if not raw:
        return Kind.NONE
    looked = "\n" in raw or "＝" in raw or len(raw) <= 2 * _LABEL_CHARS  # else one line of prose
    text = _plain(raw) if looked and not raw.isascii() else raw
    inner = _FENCE.fullmatch(text) if text.startswith("```") else None
    if _is_record(inner[1].strip() or text if inner else text):
        return Kind.RECORD
    if min(len(text), len(raw)) <= _LABEL_CHARS and "\n" not in text and not text.startswith("```"):
        return Kind.REASONING if "boxed{" in text else _short(text)
    lines = _lines(text)
    if _code_share(raw, lines if raw is text else _lines(raw)) >= 0.5:
        return Kind.CODE
    if _is_worked(text, lines):
        return Kind.REASONING
    items = sum(1 for line in lines if _ITEM.match(line)) if len(lines) >= _FEW else 0
    if items >= _FEW and 3 * items >= len(lines) and len(text) <= _LONG_ITEM * items:
        return Kind.LIST
    return Kind.PROSE
