"""The benchmark's page: what is found and what is not, the worst ordinary kind first, beside every baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.adaptive import costs
from bench.detection.judging import RATES, Judged
from bench.detection.metrics import Share, over_seeds
from bench.detection.ours import Tiers
from bench.detection.study import LOCAL, ORDER, REVIEW, SHIPPED, TOGETHER, Study

OURS = (LOCAL, ORDER, REVIEW, SHIPPED, TOGETHER)
ENOUGH = 20  # clients from which a kind's rate is worth a line of its own at the top
PREVALENCES = (0.01, 0.001)
Lines = list[str]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """A Markdown table; every column but the first to the right."""
    return [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *(f"| {' | '.join(r)} |" for r in rows),
        "",
    ]


def pooled(shares: Iterable[Share]) -> Share:
    """Clients of all seeds together."""
    some = list(shares)
    return Share(sum(one.hits for one in some), sum(one.clients for one in some))


def number(value: float) -> str:
    """A count, or a dash where it is unknown or never comes."""
    return f"{value:,.0f}" if np.isfinite(value) else "-"


def kinds(studies: Sequence[Study], harvest: bool) -> list[str]:
    """The kinds of one side over all seeds."""
    return sorted({str(kind) for one in studies for kind in one.clients["kind"][one.clients["harvest"] == harvest]})


def drawn(clients: NDArray[np.void]) -> NDArray[np.bool_]:
    """Ordinary clients as they come: no matched controls, which are chosen for their likeness, and no grey ones."""
    ordinary = ~clients["harvest"] & ~clients["grey"]
    alone = ordinary & (clients["pair"] < 0)
    return np.asarray(alone if alone.any() else ordinary, np.bool_)


def of_kind(judged: Judged | Tiers, kind: str) -> NDArray[np.bool_]:
    """The clients of one kind."""
    return np.asarray(judged.clients["kind"] == kind, np.bool_)


def versus(studies: Sequence[Study]) -> Lines:
    """Every way at equal false-alarm rates, and at the level it ships with."""
    rows = []
    for name in studies[0].judged:
        every = [one.judged[name] for one in studies]
        cells = [f"**{name}**" if name in OURS else name]
        for rate in RATES:
            found = over_seeds([one.found(rate).rate for one in every])
            real = over_seeds([one.alarms(rate).rate for one in every])
            cells += [found.text(), real.text(".2%")]
        cells.append(over_seeds([one.auc for one in every]).text(".3f"))
        at = np.concatenate([one.requests[RATES[0]][one.harvest] for one in every])
        cells.append(number(metrics.quantile_of_found(at, 0.5)))
        own = [one.alone[name] for one in studies if name in one.alone]
        cells.append(" / ".join(_both_sides(own)) if own else "")
        rows.append(cells)
    head = ["way", "found at 1 %", "real false alarms", "found at 0.1 %", "real false alarms", "AUC",
            "median requests to the flag", "at its own level: found / false alarms"]  # fmt: skip
    return table(head, rows)


def _both_sides(every: Sequence[Tiers]) -> tuple[str, str]:
    harvest = over_seeds([float(one.reviewed[one.clients["harvest"]].mean()) for one in every])
    ordinary = over_seeds([float(one.reviewed[drawn(one.clients)].mean()) for one in every])
    return f"{harvest.mean:.0%}", f"{ordinary.mean:.0%}"


def own_levels(studies: Sequence[Study]) -> Lines:
    """The product at the levels that come with a reference: what an operator gets."""
    rows = []
    for reference, words in _WHOSE.items():
        every = [one.tiers[reference] for one in studies if reference in one.tiers]
        for tier, reached in (("watch", "watched"), ("review", "reviewed")):
            if every:
                rows.append([f"{words}, {tier} tier", *_own(every, reached)])
    for name, words in _MORE.items():
        held = [one.tiers[name] for one in studies[:1] if name in one.tiers]
        for tier, reached in (("watch", "watched"), ("review", "reviewed")):
            for one in held:
                some = metrics.share(getattr(one, reached))
                rows.append([f"{words} on {some.clients:,} more ordinary clients, {tier} tier", "", "", "", str(some)])
    return table(
        ["levels", "found", "macro mean over families", "false alarms", "false alarms, all clients together"], rows
    )


_WHOSE = {
    "shipped": "the reference that ships",
    "local": "a reference fitted on local traffic",
    "shipped, linked": "the reference that ships, or a campaign at review",
    "local, linked": "a reference fitted on local traffic, or a campaign at review",
}
_MORE = {
    "calibration": "the reference that ships",
    "calibration, linked": "the reference that ships, or a campaign at review",
}


def _own(every: Sequence[Tiers], reached: str) -> list[str]:
    found, macro, alarms, hits = [], [], [], []
    for one in every:
        flags, clients = getattr(one, reached), one.clients
        ordinary = drawn(clients)
        found.append(float(flags[clients["harvest"]].mean()))
        families = np.unique(clients["kind"][clients["harvest"]])
        macro.append(float(np.mean([flags[clients["harvest"] & (clients["kind"] == f)].mean() for f in families])))
        alarms.append(float(flags[ordinary].mean()))
        hits.append(metrics.share(flags[ordinary]))
    return [over_seeds(found).text(), over_seeds(macro).text(), over_seeds(alarms).text(".2%"), str(pooled(hits))]


def ordinary_kinds(studies: Sequence[Study]) -> Lines:
    """False alarms of each ordinary kind, the worst first; small kinds after the others."""
    rows = []
    for kind in kinds(studies, harvest=False):
        first, second = (
            pooled(one.judged[LOCAL].flags(r, of_kind(one.judged[LOCAL], kind)) for one in studies) for r in RATES
        )
        unseen = pooled(one.unknown.flags(RATES[0], of_kind(one.unknown, kind)) for one in studies)
        own = [[_tier(studies, ref, tier, kind) for tier in ("watched", "reviewed")] for ref in ("shipped", "local")]
        campaign = _tier(studies, "shipped, linked", "reviewed", kind)
        grey = any(one.clients["grey"][one.clients["kind"] == kind].any() for one in studies)
        total = sum(int((one.clients["kind"] == kind).sum()) for one in studies)
        key = (total < ENOUGH, grey, -_rate(own[0][1]), -_rate(own[0][0]), -first.rate if first.clients else 0.0, kind)
        cells = [f"{kind}*" if grey else kind, str(total), *(str(one) for one in (*own[0], *own[1], campaign))]
        cells += ["", "", ""] if grey else [f"{one.rate:.1%}" if one.clients else "" for one in (first, second, unseen)]
        rows.append((key, cells))
    head = ["kind", "clients", "shipped: watched or more", "shipped: reviewed", "local: watched or more",
            "local: reviewed", "shipped: reviewed, or a campaign", "at 1 %", "at 0.1 %",
            "at 1 %, kind unknown to the calibration"]  # fmt: skip
    return table(head, [cells for _, cells in sorted(rows)])


def _rate(share: Share) -> float:
    return share.rate if share.clients else 0.0


def _tier(studies: Sequence[Study], reference: str, tier: str, kind: str) -> Share:
    every = [one.tiers[reference] for one in studies if reference in one.tiers]
    return pooled(metrics.share(getattr(one, tier)[of_kind(one, kind)]) for one in every)


def families(studies: Sequence[Study]) -> Lines:
    """What is found of each harvest family, the worst first, with the macro mean."""
    rows, macro = [], []
    for kind in kinds(studies, harvest=True):
        first, second = (
            pooled(one.judged[LOCAL].found(r, of_kind(one.judged[LOCAL], kind)) for one in studies) for r in RATES
        )
        at = np.concatenate([one.judged[LOCAL].requests[RATES[0]][of_kind(one.judged[LOCAL], kind)] for one in studies])
        shipped = [_tier(studies, "shipped", tier, kind) for tier in ("watched", "reviewed")]
        shipped.append(_tier(studies, "shipped, linked", "reviewed", kind))
        best = max(
            (pooled(one.judged[name].found(RATES[0], of_kind(one.judged[name], kind)) for one in studies).rate, name)
            for name in _untrained(studies[0])
        )
        cells = [kind, str(first.clients), *map(str, (first, second, *shipped))]
        cells += [number(metrics.quantile_of_found(at, q)) for q in (0.5, 0.9)]
        rows.append([*cells, f"{best[0]:.0%} ({best[1]})" if best[0] else "0%"])
        macro.append((first.rate, second.rate, *map(_rate, shipped)))
    rows.sort(key=lambda cells: float(cells[2].split("%")[0]))
    means = [f"**{value:.1%}**" for value in np.mean(macro, axis=0)] if macro else []
    head = ["family", "clients", "found at 1 %", "found at 0.1 %", "shipped: watched or more", "shipped: reviewed",
            "shipped: reviewed, or a campaign", "median requests to the flag", "90 %",
            "best untrained baseline at 1 %"]  # fmt: skip
    return table(head, [*rows, ["**macro mean**", "", *means, "", "", ""]])


def _untrained(one: Study) -> list[str]:
    return [name for name in one.judged if name not in OURS and not name.startswith("boosting")]


def groups(studies: Sequence[Study], title: str, group: Callable[[NDArray[np.void]], NDArray[np.str_]]) -> Lines:
    """What is found at 1 % by a property of the harvesters, beside each baseline."""
    values = sorted({str(v) for one in studies for v in group(one.clients)[one.clients["harvest"]] if v})
    names = [LOCAL, SHIPPED, *_untrained(studies[0])]
    names = [name for name in names if name in studies[0].judged]
    rows = []
    for value in values:
        some = [{n: one.judged[n].found(RATES[0], group(one.clients) == value) for n in names} for one in studies]
        cells = [pooled(one[name] for one in some) for name in names]
        rows.append([value, str(cells[0].clients), *(f"{one.rate:.0%}" for one in cells)])
    return table([title, "clients", *names], rows) if len(values) > 1 else []


def pairs(studies: Sequence[Study]) -> Lines:
    """How often the harvester of a matched pair is ranked over its ordinary partner."""
    rows = []
    for name in studies[0].judged:
        won = [share for one in studies if (share := _won(one.judged[name])) is not None]
        if won:
            every = [one.judged[name] for one in studies]
            flagged = [pooled(one.flags(rate, one.matched) for one in every) for rate in RATES]
            rows.append([name, str(sum(count for _, count in won)), over_seeds([value for value, _ in won]).text(),
                         *map(str, flagged)])  # fmt: skip
    head = ["way", "pairs", "harvester ranked higher (ties half)", "controls flagged at 1 %", "at 0.1 %"]
    return table(head, rows) if rows else []


def _won(judged: Judged) -> tuple[float, int] | None:
    clients = judged.clients
    known = clients["pair"] >= 0
    values = []
    for pair in np.unique(clients["pair"][known]):
        here = clients["pair"] == pair
        mine, other = judged.p[here & clients["harvest"]], judged.p[here & ~clients["harvest"]]
        if len(mine) and len(other):
            values.append(float(np.mean(mine < other.min()) + 0.5 * np.mean(mine == other.min())))
    return (float(np.mean(values)), len(values)) if values else None


def delay(studies: Sequence[Study]) -> Lines:
    """Requests and answers until the flag: of those found, and of all with those never found counted as later."""
    rows = []
    for name in (LOCAL, SHIPPED):
        for rate in RATES:
            every = [one.judged[name] for one in studies if name in one.judged]
            if every:
                rows.append(
                    [f"{name}, {rate:.1%}", *_delays([(j.requests[rate], j.answers[rate], j.harvest) for j in every])]
                )
    for reference in ("shipped", "local", "shipped, linked"):
        own = [one.tiers[reference] for one in studies if reference in one.tiers]
        if own:
            rows.append([f"review tier, {_WHOSE[reference]}",
                         *_delays([(t.requests, t.answers, t.clients["harvest"]) for t in own])])  # fmt: skip
    head = ["level", "found", "median requests, of those found", "90 %", "median requests, of all", "90 %",
            "answers lost: median of those found", "95 %"]  # fmt: skip
    return table(head, rows)


def _delays(every: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]]) -> list[str]:
    at = np.concatenate([requests[harvest] for requests, _, harvest in every])
    lost = np.concatenate([answers[harvest] for _, answers, harvest in every])
    return [
        str(metrics.share(np.isfinite(at))),
        *(number(metrics.quantile_of_found(at, part)) for part in (0.5, 0.9)),
        *(number(metrics.quantile_of_all(at, part)) for part in (0.5, 0.9)),
        *(number(metrics.quantile_of_found(lost, part)) for part in (0.5, 0.95)),
    ]


def queue(studies: Sequence[Study]) -> Lines:
    """What a reviewer's queue holds: alarms a day among 10,000 ordinary clients, and how many are right."""
    rows = []
    for reference, words in _WHOSE.items():
        if own := [one.tiers[reference] for one in studies if reference in one.tiers]:
            rows += [[f"{words}, {tier}", *_queue(own, tier)] for tier in ("watched", "reviewed")]
    precise = [f"precision at {one:.1%} harvesters (at least)" for one in PREVALENCES]
    return table(["tier", "false alarms per 10,000 ordinary clients a day", *precise], rows)


def _queue(own: Sequence[Tiers], tier: str) -> list[str]:
    alarms = pooled(metrics.share(getattr(one, tier)[drawn(one.clients)]) for one in own)
    found = pooled(metrics.share(getattr(one, tier)[one.clients["harvest"]]) for one in own)
    a_day = [value * 10_000 / 7.0 for value in (alarms.rate, *alarms.bounds)]
    cells = [f"{a_day[0]:.1f} ({a_day[1]:.1f} to {a_day[2]:.1f})"]
    for one in PREVALENCES:
        likely = metrics.precision(found.rate, alarms.rate, one)
        least = metrics.precision(found.rate, alarms.bounds[1], one)
        cells.append(f"{likely:.0%} ({least:.0%})" if likely == likely else "-")
    return cells


def reliable(studies: Sequence[Study]) -> tuple[Lines, list[metrics.Bin]]:
    """How well told probabilities and quoted p-values hold; the curve's points for the plot."""
    told = np.concatenate([one.told[0] for one in studies])
    truth = np.concatenate([one.told[1] for one in studies])
    all_of = metrics.reliability(told, truth)
    each = [metrics.reliability(*one.told) for one in studies]
    base = float(truth.mean() * (1.0 - truth.mean())) if len(truth) else float("nan")
    brier, ece = over_seeds([one.brier for one in each]).text(".4f"), over_seeds([one.ece for one in each]).text(".4f")
    lines = [
        f"Probability of harvesting told by the re-ranker, among the clients here ({truth.mean():.0%} harvesters): "
        f"Brier score {brier} (always telling the share: {base:.4f}), expected calibration error {ece}.",
        "",
    ]
    rows = []
    for claim in studies[0].claims:
        hits, total = (sum(one.claims[claim][place] for one in studies) for place in (0, 1))
        rows.append([f"{claim:.1%}", str(Share(hits, total))])
    lines += table(["an alert quotes at most", "of ordinary clients' detector readings"], rows)
    return lines, list(all_of.bins)


def unseen(studies: Sequence[Study]) -> Lines:
    """The re-ranker on families and sources that its training never saw, beside the same with all in training."""
    rows = []
    for column, words in (("kind", "family"), ("source", "source")):
        every = [one.left_out[column] for one in studies if column in one.left_out]
        if not every:
            continue
        names = sorted({name for one in every for name in one})
        means = [
            over_seeds([float(np.mean([pair[k].rate for pair in one.values()])) for one in every]).text()
            for k in (0, 1)
        ]
        rows.append([f"**mean over {len(names)}, each {words} left out in turn**", "", *means])
        sums = [[pooled(pair[k] for pair in one.values()).rate for one in every] for k in (0, 1)]
        rows.append(
            [f"**all harvesters, each {words} left out in turn**", "", *(over_seeds(one).text() for one in sums)]
        )
        for name in names:
            some = [one[name] for one in every if name in one]
            held, whole = (pooled(pair[k] for pair in some) for k in (0, 1))
            rows.append([f"{words} {name}", str(held.clients), str(held), f"{whole.rate:.1%}"])
    return table(["left out of training", "clients", "found at 1 %", "with it in training"], rows) if rows else []


def parts(studies: Sequence[Study]) -> Lines:
    """What is found without a detector or a family, and with one family alone."""
    if not studies[0].parts:
        return []
    whole = [over_seeds([one.judged[LOCAL].found(rate).rate for one in studies]) for rate in RATES]
    rows = [["all detectors", *(one.text() for one in whole)]]
    rows += [
        [name, *(over_seeds([one.parts[name][k] for one in studies]).text() for k in range(len(RATES)))]
        for name in studies[0].parts
    ]
    return table(["detectors", "found at 1 %", "found at 0.1 %"], rows)


def evasions(studies: Sequence[Study]) -> Lines:
    """Attackers who adapt, with what it costs them."""
    if not studies[0].evasions:
        return []
    rows = []
    for name, (cost, throughput) in costs().items():
        some = [study.evasions[name] for study in studies if name in study.evasions]
        if some:
            rows.append([name, cost, "" if np.isnan(throughput) else f"{throughput:.2f}", str(pooled(some))])
    return table(["evasion", "cost to the attacker", "answers a request", "found at 1 %"], rows)


def grey(studies: Sequence[Study]) -> Iterator[str]:
    """A sentence on kinds whose label depends on intent."""
    names = sorted({str(k) for one in studies for k in one.clients["kind"][one.clients["grey"]]})
    if names:
        yield f"`*`: {', '.join(names)}: permitted, and the same bytes as a harvest; counted apart, in no rate above."
