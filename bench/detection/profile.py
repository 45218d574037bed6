"""A made-up client's lasting habits: language, program, networks, pace; drawn before and without the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bench.detection import arrivals
from bench.detection.lexicon import LANGUAGES
from bench.detection.sources import Pools
from detectors.exchange import Dialect, Operation

PROGRAMS: tuple[tuple[Dialect, float, tuple[str, ...]], ...] = (
    (Dialect.OPENAI, 0.68, ("OpenAI/Python 2.8.1", "AsyncOpenAI/Python 2.8.1", "AsyncOpenAI/Python 1.109.1",
                            "OpenAI/JS 6.9.0", "python-httpx/0.28.1", "axios/1.12.2", "python-requests/2.32.5",
                            "Go-http-client/2.0", "aiohttp/3.13.2")),
    (Dialect.ANTHROPIC, 0.18, ("Anthropic/Python 0.75.0", "AsyncAnthropic/Python 0.75.0", "Anthropic/JS 0.71.0")),
    (Dialect.GEMINI, 0.1, ("google-genai-sdk/1.52.0 gl-python/3.12", "python-httpx/0.28.1")),
    (Dialect.OLLAMA, 0.04, ("ollama-python/0.6.1", "python-requests/2.32.5")),
)  # fmt: skip
MODELS = ("acme-large", "acme-medium", "acme-small")
_FINGERPRINTS = ("t13d1516h2", "t13d1812h1", "t13d3112h2", "t12d4605h1")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a client keeps from request to request, whatever it asks for."""

    language: str
    kind: str  # of arrival
    law: int
    arrival: str
    a_day: float
    dialect: Dialect
    agent: str
    operation: Operation
    model: str
    limit: int | None  # the program's own max_tokens where the script sets none
    heat: float | None  # and its temperature
    top_p: float | None
    stream: bool
    local: bool  # templates are in the client's language too
    networks: tuple[str, ...]
    ja4: str
    faults: float
    retries: bool  # the program says that a repeat is one
    sloppy: float
    uneven: float  # how widely the lengths of its answers spread, against what its script has for usual

    def peer(self, rng: Random) -> str:
        """The address of one request."""
        return f"{self.networks[0] if len(self.networks) == 1 else rng.choice(self.networks)}.{rng.randint(1, 254)}"


def draw(
    rng: Random, pools: Pools, kinds: Sequence[str] = (), bands: Sequence[float] = arrivals.RATES,
    dialects: Sequence[Dialect] = (),
) -> Profile:  # fmt: skip
    """A client's habits; `kinds` and `dialects` restrict what its script can live with."""
    language = _language(rng, pools)
    mix = [(kind, share) for kind, share in arrivals.KINDS if not kinds or kind in kinds]
    kind = rng.choices([kind for kind, _ in mix], [share for _, share in mix])[0]
    laws = (pools.laws or _OWN).services
    law = rng.randrange(len(laws))
    programs = [one for one in PROGRAMS if not dialects or one[0] in dialects]
    dialect, _, agents = rng.choices(programs, [share for _, share, _ in programs])[0]
    operation = Operation.RESPONSE if dialect is Dialect.OPENAI and rng.random() < 0.15 else Operation.CHAT
    limit = rng.choice((1024, 4096, 8192)) if dialect is Dialect.ANTHROPIC else rng.choice((None, None, None, 4096))
    count = rng.choice((1, 1, 1, 1, 2, 3, 8, 40))
    return Profile(
        language=language,
        kind=kind,
        law=law,
        arrival=laws[law].name if kind == "service" else kind,
        a_day=arrivals.rate(rng, bands),
        dialect=dialect,
        agent=rng.choice(agents),
        operation=operation,
        model=rng.choice(MODELS),
        limit=limit,
        heat=rng.choice((None, None, None, 0.0, 0.2, 0.7, 0.7, 1.0)),
        top_p=rng.choice((None, None, None, None, 0.9, 0.95, 1.0)),
        stream=rng.random() < 0.35,
        local=rng.random() < 0.6,
        networks=networks(rng, count),
        ja4=rng.choice(_FINGERPRINTS) if rng.random() < 0.5 else "",
        faults=rng.choice((0.0, 0.0, 0.0, 0.005, 0.02, 0.06)),
        retries=rng.random() < 0.6,
        sloppy=max(0.0, rng.uniform(-0.5, 0.6)),
        uneven=min(3.0, max(0.5, rng.lognormvariate(0.35, 0.5))),
    )


_OWN = arrivals.own()


def networks(rng: Random, count: int) -> tuple[str, ...]:
    """So many networks of 256 addresses."""
    return tuple(f"{rng.randint(1, 223)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}" for _ in range(count))


def _language(rng: Random, pools: Pools) -> str:
    spoken = [(one, share) for one, share in LANGUAGES if one == pools.language or one in pools.others]
    return rng.choices([one for one, _ in spoken], [share for _, share in spoken])[0]
