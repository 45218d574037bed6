"""The page as a whole: its sections in order, the plots beside it, and the figures that other pages quote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics, plots, report
from bench.detection.captures import Captured
from bench.detection.captures import section as captured
from bench.detection.judging import RATES
from bench.detection.metrics import Bin, over_seeds
from bench.detection.report import Lines, pooled
from bench.detection.study import LOCAL, SHIPPED, TOGETHER, Study

PLOTS = "detection"


def page(studies: Sequence[Study], recorded: Sequence[Captured], about: Sequence[str], checks: Sequence[str]) -> str:
    """The whole page in Markdown; `about` says what was run and what was missing, `checks` how the traffic fared."""
    reliability, _ = report.reliable(studies)
    lines = ["# Detection: what is found and what is not", "", *about, ""]
    for title, words, body in (
        ("Against what was asked", "", aims(studies, recorded)),
        ("Beside other ways, at equal false-alarm rates", _EQUAL, [*report.versus(studies), *_image("roc")]),
        ("At the levels that come with a reference", _OWN, report.own_levels(studies)),
        (
            "Ordinary clients, the worst kind first",
            _ORDINARY,
            [*report.ordinary_kinds(studies), *report.grey(studies), ""],
        ),
        ("Harvests, the worst found first", _HARVESTS, report.families(studies)),
        ("Matched pairs", _PAIRS, report.pairs(studies)),
        ("Cover traffic", _COVER, report.groups(studies, "cover", _cover)),
        ("Size of the account", "", report.groups(studies, "requests in the week", _size)),
        ("Requests until the flag", _DELAY, [*report.delay(studies), *_image("delay")]),
        ("The reviewer's queue", "", report.queue(studies)),
        ("Reliability", "", [*reliability, *_image("reliability")]),
        ("Families and sources that training never saw", _LEFT_OUT, report.unseen(studies)),
        ("What each part is worth", _PARTS, report.parts(studies)),
        ("Attackers who adapt", _ADAPT, report.evasions(studies)),
        ("Does the composed traffic give itself away?", "", [*checks, ""] if checks else []),
        ("Recorded captures", "", captured(recorded)),
        ("How it was measured", "", [_METHOD, ""]),
        ("The baselines", "", [_BASELINES, ""]),
    ):
        if body:
            lines += [f"## {title}", "", *([words, ""] if words else []), *body]
    return "\n".join(lines)


def aims(studies: Sequence[Study], recorded: Sequence[Captured]) -> Lines:
    """Each aim beside what was measured."""
    local = [one.judged[LOCAL] for one in studies]
    found = [over_seeds([one.found(rate).rate for one in local]).text() for rate in RATES]
    macro = over_seeds([_macro(one) for one in studies]).text()
    at = np.concatenate([one.requests[RATES[0]][one.harvest] for one in local])
    lost = np.concatenate([one.answers[RATES[0]][one.harvest] for one in local])
    delay = [report.number(metrics.quantile_of_found(at, part)) for part in (0.5, 0.9)]
    rows = [
        ["found at 1 % false alarms, locally calibrated", ">= 80 %", found[0]],
        ["found at 0.1 %", ">= 60 %", found[1] + _resolved(studies)],
        ["macro mean over families at 1 %; families at zero", ">= 80 %; none", f"{macro}; {_zero(studies)}"],
        *_together(studies),
        ["median and 90 % of requests to the flag, of those found", "<= 30; <= 100", "; ".join(delay)],
        [
            "answers lost before the flag, 95 % of those found",
            "< 1,000",
            report.number(metrics.quantile_of_found(lost, 0.95)),
        ],
        *_shipped_aims(studies),
    ]
    area = _capture_area(recorded)
    if area:
        rows.append(["recorded captures (in training), AUC", "", area])
    return report.table(["aim", "asked", "measured"], rows)


def _together(studies: Sequence[Study]) -> list[list[str]]:
    """The share found where clients have what their campaigns say as well."""
    every = [one.judged[TOGETHER] for one in studies if TOGETHER in one.judged]
    rows = []
    for rate, asked in zip(RATES, (">= 80 %", ">= 60 %"), strict=True):
        found, real = (over_seeds([getattr(j, side)(rate).rate for j in every]) for side in ("found", "alarms"))
        words = f"found at {rate:.1%}, with what their campaigns say; real false alarms"
        rows.append([words, asked, f"{found.text()}; {real.text('.2%')}"])
    return rows if every else []


def _shipped_aims(studies: Sequence[Study]) -> list[list[str]]:
    if not any("shipped" in one.tiers for one in studies):
        return []
    rows = []
    for name, tier, words, asked in (
        ("shipped", "watched", "watched with the shipped reference alone", ">= 60 % at <= 1.5 %"),
        ("shipped", "reviewed", "reviewed with the shipped reference alone", ""),
        ("shipped, linked", "watched", "watched by it, or in a campaign at review", ""),
        ("shipped, linked", "reviewed", "reviewed by it, or in a campaign at review", ""),
    ):
        own = [one.tiers[name] for one in studies if name in one.tiers]
        if own:
            found = over_seeds([float(getattr(t, tier)[t.clients["harvest"]].mean()) for t in own]).text()
            alarms = over_seeds([float(getattr(t, tier)[report.drawn(t.clients)].mean()) for t in own])
            rows.append([f"{words}: found; false alarms", asked, f"{found}; {alarms.text('.2%')}"])
    for tier, asked in (("watched", "<= 10 %"), ("reviewed", "<= 2 %")):
        worst = max(
            (
                (share.rate, kind, share)
                for kind in report.kinds(studies, harvest=False)
                if (share := _ordinary_tier(studies, tier, kind)).clients >= report.ENOUGH
            ),
            default=None,
        )
        if worst:
            rows.append([f"worst ordinary kind of 20 and more, {tier}", asked, f"{worst[1]}: {worst[2]}"])
    return rows


def _ordinary_tier(studies: Sequence[Study], tier: str, kind: str) -> metrics.Share:
    own = [one.tiers["shipped"] for one in studies if "shipped" in one.tiers]
    return pooled(
        metrics.share(getattr(one, tier)[(one.clients["kind"] == kind) & ~one.clients["grey"]]) for one in own
    )


def _macro(one: Study) -> float:
    judged = one.judged[LOCAL]
    names = np.unique(one.clients["kind"][one.clients["harvest"]])
    return float(np.mean([judged.found(RATES[0], one.clients["kind"] == name).rate for name in names]))


def _zero(studies: Sequence[Study]) -> str:
    none = [
        kind
        for kind in report.kinds(studies, harvest=True)
        if not pooled(one.judged[LOCAL].found(RATES[0], one.clients["kind"] == kind) for one in studies).hits
    ]
    return ", ".join(none) if none else "none"


def _resolved(studies: Sequence[Study]) -> str:
    least = max(one.judged[LOCAL].resolvable for one in studies)
    return "" if least <= RATES[1] else f" (the clients that set the level resolve {least:.2%} at best)"


def _capture_area(recorded: Sequence[Captured]) -> str:
    plain = [one for one in recorded if not one.grey]
    harvest, ordinary = (np.array([one.order for one in plain if one.harvest == side]) for side in (True, False))
    if not len(harvest) or not len(ordinary):
        return ""
    low, high = metrics.auc_interval(harvest, ordinary)
    return f"{metrics.auc(harvest, ordinary):.2f} ({low:.2f} to {high:.2f})"


def _cover(clients: NDArray[np.void]) -> NDArray[np.str_]:
    return np.array([f"{one:.0%}" for one in clients["cover"]])


def _size(clients: NDArray[np.void]) -> NDArray[np.str_]:
    words = np.array(["1: under 100", "2: 100 to 399", "3: 400 to 1,599", "4: 1,600 and more"])
    return np.asarray(words[np.searchsorted([100, 400, 1_600], clients["requests"], side="right")])


def _image(name: str) -> Lines:
    return [f"![{_ALT[name]}]({PLOTS}-{name}.svg)", ""]


def draw(studies: Sequence[Study], folder: Path) -> None:
    """The three plots, next to the page."""
    _, bins = report.reliable(studies)
    for name, text in (("roc", _roc(studies)), ("delay", _delay(studies)), ("reliability", _reliability(bins))):
        (folder / f"{PLOTS}-{name}.svg").write_text(text, encoding="utf-8")


def _roc(studies: Sequence[Study]) -> str:
    names = sorted(studies[0].judged, key=lambda name: -float(np.mean([one.judged[name].auc for one in studies])))
    ours = [name for name in (TOGETHER, LOCAL, SHIPPED) if name in names]
    lines = []
    for name in [*ours, *(one for one in names if not one.startswith("Stillwatch"))][:9]:
        points = np.mean([one.judged[name].roc for one in studies], axis=0)
        lines.append(plots.Line(name, [(max(a, 0.0005), b) for a, b in points.tolist()], name in ours))
    x = plots.Axis("real false-alarm rate, by client", 0.0005, 0.1, plots.percents(0.0005, 0.001, 0.01, 0.1), log=True)
    y = plots.Axis("harvesters found", 0.0, 1.0, plots.percents(0.0, 0.25, 0.5, 0.75, 1.0))
    return plots.chart(_ALT["roc"], x, y, lines)


def _delay(studies: Sequence[Study]) -> str:
    lines = []
    for name in (LOCAL, SHIPPED, "MMD, 20 references", "honeypotllm 0.1.3", "isolation forest"):
        for rate in RATES if name == LOCAL else RATES[:1]:
            every = [one.judged[name] for one in studies if name in one.judged]
            if every:
                at = np.concatenate([one.requests[rate][one.harvest] for one in every])
                steps = [(float(when), float((at <= when).mean())) for when in np.unique(at[np.isfinite(at)])]
                points = [(20.0, 0.0), *steps, (10_000.0, float(np.isfinite(at).mean()))]
                lines.append(plots.Line(f"{name}, {rate:.1%}", points, name == LOCAL))
    marks = [(float(one), f"{one:,}") for one in (25, 100, 400, 1_600, 6_400)]
    x = plots.Axis("requests of the client", 20.0, 10_000.0, marks, log=True)
    return plots.chart(
        _ALT["delay"], x, plots.Axis("harvesters found", 0.0, 1.0, plots.percents(0.0, 0.5, 1.0)), lines, steps=True
    )


def _reliability(bins: Sequence[Bin]) -> str:
    marks = plots.percents(0.0, 0.25, 0.5, 0.75, 1.0)
    x, y = plots.Axis("probability told", 0.0, 1.0, marks), plots.Axis("share of harvesters", 0.0, 1.0, marks)
    points = [(one.told, one.found) for one in bins]
    return plots.chart(_ALT["reliability"], x, y, [plots.Line("Stillwatch, re-ranked", points, True)], diagonal=True)


_ALT = {
    "roc": "Harvesters found at low false-alarm rates",
    "delay": "Harvesters found by the number of their requests",
    "reliability": "Told probability and share of harvesters",
}
_EQUAL = (
    "Level set on other ordinary clients of the same operator, then tested on the rest: the unit is the client, "
    "its highest value over all its looks. Means over seeds with Student's 95 % interval. Boosting alone was "
    "trained on labelled harvests: once with whole personas and families left out, once with folds of accounts, "
    "as such figures are mostly told."
)
_OWN = (
    "Nothing is set on the clients that are tested. Local: fitted on half of the calibration clients, without a label. "
    "A campaign: the clients of the seed and the calibration clients on one clock, linked every six hours; whoever "
    "was in a campaign at review at some link counts ([campaigns](campaigns.md)). The composed operators of 8 and 25 "
    "accounts have one template each; accounts of independent harvesters, which may use the same one, join them."
)
_ORDINARY = "Exact 95 % intervals over all seeds; kinds of fewer than 20 clients stand last."
_HARVESTS = "Local reference and level, beside the reference that ships at its own levels."
_PAIRS = (
    "One ordinary client with the arrivals, volume and lengths of each harvesting one. These controls are chosen for "
    "their likeness, so they are no part of the false alarms above, but of the table by kind."
)
_COVER = "Share of a real persona's traffic mixed in. Found at 1 % false alarms, every way at its own level for that."
_DELAY = "Of those found; and of all, where those never found count as later than any (-: never)."
_LEFT_OUT = (
    "The re-ranker's weights trained here on local evidence, once with everything and once without each family and "
    "each source of prompts; the detectors, peer groups and levels learn from ordinary clients alone. The joint score "
    "is not part of this: its weights ship, trained on composed harvests of the same families from other sources, so "
    "what it finds of a family that no training saw is measured by [a page of its own](unseen.md)."
)
_PARTS = "The joint score reads all detectors at once, so what is left out is taken from the score without it."
_ADAPT = (
    "Composed from their texts on, the same account with and without each evasion; the last three by the settings of "
    "the plain harvest's requests. One local reference and its level for 1 %, each account by itself."
)
_METHOD = (
    "Accounts, not requests, are drawn, split and counted; each seed composes its own. No model is trained on the test "
    "split, but how the joint score is trained was chosen with two of its seeds (1 and 101) in view, and some settings "
    "of detectors and fusion likewise ([detection](../detection.md#fusion)): the figures are of texts that no training "
    "saw, not of traffic that nobody had looked at. Calibration clients are "
    "ordinary ones of the same operator: half of them fit a reference (peer groups, tails of every detector), the "
    "other half set the level; they are never tested. A level lets k of n ordinary clients pass where (k + 1) / "
    "(n + 1) is at most the rate asked; where n is too small for the rate, the least that n resolves is used and "
    "named. Matched pairs are judged by the same level. Clients with fewer than 25 requests reach no look and "
    "count as not found. Where the calibration must not know a kind, neither half holds a client of it."
)
_BASELINES = (
    "Own code from descriptions; sources and simplifications stand at the top of the modules in "
    "`bench/detection/baselines/`. MMD (arXiv 2606.05725), PRADA (Juuti et al., EuroS&P 2019), SEAT (Zhang et "
    "al., AISec 2021) and Mahalanobis see the same 24-dimensional embedding of each prompt as the product, up to "
    "400 prompts a client. honeypotllm 0.1.3: its four heuristics, weights and limits. Glasswally: the workers "
    "that can be computed without text, with the weights of its five-worker release. AA26-251A: nine of its "
    "indicators, three of them an alarm. Isolation forest and boosting see 54 raw features. Window statistics of "
    "different looks are made comparable by their rank among the fitting clients."
)
