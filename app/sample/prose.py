"""Sentences from a small word bank of our own: plausible, seeded, about nothing."""

from __future__ import annotations

import re
from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


THINGS = _words(
    "harbour wall|timetable|bakery|orchard|pump|night bus|library card|kettle|warehouse shelf|garden path|"
    "ferry|lantern|survey|parcel|window frame|bicycle lane|meeting room|water meter|tram stop|market stall|"
    "spreadsheet|greenhouse|staircase|delivery van|notice board|reservoir|printing press|solar panel|footbridge|"
    "choir|repair shop|weather station|school kitchen|pocket radio|tile roof|canal lock|music stand|paper mill"
)
QUALITIES = _words(
    "steady|narrow|recent|careful|late|uneven|quiet|shared|spare|costly|light|rough|patient|empty|northern|"
    "reliable|wooden|temporary|public|early|damp|generous|hidden|plain|busy|gradual"
)
DEEDS = _words(
    "slows|supports|replaces|crosses|measures|delays|protects|feeds|divides|reaches|explains|carries|outlasts|"
    "limits|improves|collects|answers|follows|repairs|warms|connects|balances"
)
REASONS = _words(
    "because the cost falls on the next season|so that nobody waits twice|although the numbers are small|"
    "as long as the weather holds|once the first batch has arrived|unless somebody counts it again|"
    "while the other half stays closed|since two teams depend on it|before the evening shift begins|"
    "even where the map shows nothing|if the order comes in writing|until the last train has left"
)
OPENERS = _words(
    "In short|To begin with|In practice|More precisely|On the other hand|For example|As a rule|Over a year|"
    "Seen from outside|In the end|At first sight|Next"
)
PLACES = _words(
    "Alder Quay|Brindle|Castor Hill|Dunmere|Eastwick|Fallow End|Granby|Hollin|Ivel Cross|Juniper Flats|"
    "Kestrel Bay|Lowmoor|Marsh Lane|Norbeck|Oakhanger|Penfold"
)
PEOPLE = _words("Ada|Bruno|Carla|Dmitri|Elif|Farid|Greta|Hana|Ivo|Jonas|Kofi|Lena|Mira|Noor|Otto|Petra|Quim|Rosa")

_PIECE = re.compile(r"\s*\w{1,9}|\s*[^\w\s]|\s+$")


def sentence(rng: Random) -> str:
    """One sentence of about 8 to 20 words."""
    core = f"the {rng.choice(QUALITIES)} {rng.choice(THINGS)} {rng.choice(DEEDS)} the {rng.choice(THINGS)}"
    if rng.random() < 0.3:
        core += f" in {rng.choice(PLACES)}"
    if rng.random() < 0.6:
        core += f" {rng.choice(REASONS)}"
    if rng.random() < 0.35:
        core = f"{rng.choice(OPENERS)}, {core}"
    return core[0].upper() + core[1:] + "."


def paragraph(rng: Random, sentences: int) -> str:
    """`sentences` sentences on one line."""
    return " ".join(sentence(rng) for _ in range(sentences))


def reasoning(rng: Random, steps: int) -> str:
    """A made-up chain of thought that ends in a number."""
    value = rng.randint(3, 60)
    lines = []
    for step in range(1, steps + 1):
        other = rng.randint(2, 12)
        sign, value = rng.choice((("+", value + other), ("*", value * other % 997), ("-", abs(value - other))))
        lines.append(f"Step {step}: {sentence(rng)} So we apply {sign} {other} and get {value}.")
        if rng.random() < 0.25:
            lines.append(f"Wait, let me check that: {sentence(rng)}")
    return "\n".join(lines) + f"\n\nThe answer is {value}."


def pieces(text: str) -> list[str]:
    """`text` cut into token-like pieces that join to it again; their number is the token count."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """Token-like pieces in `text`."""
    return len(pieces(text))
