"""Answers that look like answers: their form by kind, their words partly from the prompt, no two alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random

from bench.detection.grammar import LABELS
from bench.detection.lexicon import LEXICONS, Lexicon

_WORD = re.compile(r"[^\W\d_]{2,24}")
_CJK = re.compile(r"[\u4e00-\u9fff]{2,4}")
_READ = 1_500  # characters of the prompt whose words an answer may use again
_SENTENCE = 11
MIXED = (("prose", 0.62), ("list", 0.2), ("code", 0.1), ("reasoning", 0.08))
"""What an answer to an open question looks like when the script does not say."""


def vocabulary(prompt: str, language: str) -> list[str]:
    """The words an answer is made of: the prompt's, small words, and some that belong to neither."""
    lexicon = LEXICONS[language]
    found = (_CJK if language == "zh" else _WORD).findall(prompt[-_READ:])
    own = list(dict.fromkeys(found))[:60] or list(lexicon.adjectives)
    field = lexicon.nouns[sum(map(len, own)) % len(lexicon.nouns)]
    return [*own, *own, *lexicon.links, *lexicon.links, *field]


def written(rng: Random, kind: str, prompt: str, chars: int, language: str) -> str:
    """An answer of about so many characters; a label or a mark is as long as it is."""
    if kind == "mixed":
        kind = rng.choices([name for name, _ in MIXED], [share for _, share in MIXED])[0]
    if kind == "label":
        return rng.choice(LABELS)
    if kind == "letter":
        return rng.choice("ABCD")
    if kind == "number":
        return rng.choice(("{}", "Score: {}", "Rating: [[{}]]", "{}/10")).format(rng.randint(1, 10))
    bank = vocabulary(prompt, language)
    return _FORMS[kind](rng, bank, max(chars, 8), LEXICONS[language])


def _prose(rng: Random, bank: list[str], chars: int, lexicon: Lexicon) -> str:
    average = 2.6 if lexicon.space == "" else 6.2
    words = rng.choices(bank, k=int(chars / average) + 2)
    for at in range(_SENTENCE - 1, len(words), _SENTENCE):
        words[at] += lexicon.stop.strip()
    text = lexicon.space.join(words)[:chars].rstrip()
    return text[:1].upper() + text[1:-1] + lexicon.stop.strip()


def _list(rng: Random, bank: list[str], chars: int, lexicon: Lexicon) -> str:
    items = max(3, min(20, chars // 80))
    return "\n".join(f"{n + 1}. {_prose(rng, bank, max(12, chars // items), lexicon)}" for n in range(items))


def _code(rng: Random, bank: list[str], chars: int, _: Lexicon) -> str:
    name = f"{rng.choice(('make', 'find', 'read', 'count'))}_{rng.randint(1, 999)}"
    lines = [f"def {name}(items):", "    out = []"]
    while sum(map(len, lines)) < chars - 60:
        lines.append(f"    out.append(items[{rng.randint(0, 99)}])  # {' '.join(rng.choices(bank, k=4))}")
    return "```python\n" + "\n".join([*lines, "    return out"]) + "\n```"


def _record(rng: Random, bank: list[str], chars: int, lexicon: Lexicon) -> str:
    fields: dict[str, object] = {"id": rng.randint(1, 99_999)}
    for key in rng.sample(("name", "date", "amount", "place", "reason", "topic", "status"), 4):
        fields[key] = lexicon.space.join(rng.choices(bank, k=max(1, chars // 40)))
    return json.dumps(fields, ensure_ascii=False)


def _verdict(rng: Random, bank: list[str], chars: int, lexicon: Lexicon) -> str:
    """Feedback and a mark, as graders write it."""
    mark = rng.randint(1, 5)
    form = rng.choice(("Feedback: {} [RESULT] {}", "{}\n\nRating: [[{}]]", '{{"reason": "{}", "score": {}}}'))
    return form.format(_prose(rng, bank, max(chars - 20, 10), lexicon), mark)


def _reasoning(rng: Random, bank: list[str], chars: int, lexicon: Lexicon) -> str:
    tags = rng.random() < 0.4
    parts, size = [], 0
    while size < chars:
        step = f"{rng.choice(lexicon.steps)} {_prose(rng, bank, min(160, chars), lexicon)}"
        if rng.random() < 0.5:
            left, right = rng.randint(2, 60), rng.randint(2, 60)
            step += f" {left} * {right} = {left * right}."
        parts.append(step)
        size += len(step)
    body = "\n\n".join(parts)
    end = f"\\boxed{{{rng.randint(1, 999)}}}"
    return f"<think>\n{body}\n</think>\n{end}" if tags else f"{body}\n\n{end}"


_FORMS: dict[str, Callable[[Random, list[str], int, Lexicon], str]] = {
    "prose": _prose, "list": _list, "code": _code, "record": _record, "verdict": _verdict, "reasoning": _reasoning,
}  # fmt: skip
