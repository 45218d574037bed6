"""The fit: from logs and from the service's rows, with clear errors, a card, doubts, and a file that is never half."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidInput
from app.ingest import fit as fit_module
from app.ingest.fit import Material, busiest_window, fit, from_logs, run_command, write
from app.ingest.log import client_id
from app.settings import read_settings
from detectors import fitting, reference
from detectors.engine import WINDOW
from detectors.event import Flag, zeros
from detectors.exchange import Dialect, Operation
from detectors.registry import load

CLIENTS = 320


@pytest.fixture(scope="module")
def engine():
    return load()


def conversations(clients, requests=30, seed=0, **fields):
    """Events of ordinary clients: people who talk, each with another length of answers."""
    rng = np.random.default_rng(seed)
    events = zeros(len(clients) * requests)
    events["client"] = np.repeat(np.array(clients, np.uint64), requests)
    events["at"] = 1_764_000_000.0 + np.arange(len(events)) % requests * rng.uniform(20.0, 90.0)
    events["dialect"], events["operation"], events["status"] = Dialect.OPENAI, Operation.CHAT, 200
    for name in ("body", "payload", "head4", "tail6", "answer"):
        events[name] = rng.integers(1, 2**63, len(events))
    events["flags"] = Flag.MULTI_TURN | Flag.STREAM | Flag.USER_ID
    events["user"] = rng.integers(1, 200, len(events))
    events["payload_chars"] = rng.integers(20, 400, len(events))
    events["out_chars"] = np.repeat(rng.integers(100, 2_000, len(clients)), requests)
    for name, value in fields.items():
        events[name] = value
    return events


@pytest.fixture(scope="module")
def material(engine) -> Material:
    return Material(fitting.observe(engine, conversations(range(1, CLIENTS + 1))), True, source={"logs": ["a.jsonl"]})


@pytest.fixture(scope="module")
def found(engine, material):
    return fit(engine, material, 1_764_000_000.0)


def test_the_card_says_what_the_reference_is_made_of(found) -> None:
    card = found.card
    assert card["clients"] == CLIENTS
    assert card["made"] == "2025-11-24T16:00:00Z"
    assert card["from"] == {"logs": ["a.jsonl"]}
    assert card["resolvable"] == [pytest.approx(1 / (CLIENTS + 1), abs=1e-6)]
    assert sum(card["peer_groups"].values()) == CLIENTS
    assert card["digest"] == found.reference.digest()
    assert json.dumps(card, allow_nan=False)


def test_what_so_few_clients_cannot_back_is_said(found) -> None:
    assert any("not of 0.1 %" in text for text in found.warnings)
    assert found.card["review_rate_supported"] == pytest.approx(3 / CLIENTS, abs=1e-6)
    assert found.refusals == ()


def test_the_re_rankers_weights_are_taken_over(engine, material) -> None:
    weights = np.linspace(0.2, 1.0, len(engine.reference.detectors))
    engine = load()
    engine.use(replace(engine.reference, weights=weights, bias=-3.0, platt=(1.5, 0.5)))
    known = {name: weight for (name, _), weight in zip(engine.reference.detectors, weights, strict=True)}
    fitted = fit(engine, material, 0.0).reference
    assert fitted.bias == -3.0
    assert fitted.platt == (1.5, 0.5)
    for (name, _), weight in zip(fitted.detectors, fitted.weights, strict=True):
        assert weight == pytest.approx(known.get(name, weights.mean()))


def test_too_few_clients_are_an_error_that_names_the_remedy(engine) -> None:
    few = Material(fitting.observe(engine, conversations(range(1, 60))), True)
    with pytest.raises(InvalidInput, match=r"only 59 clients .* 300 are needed: give logs of more days"):
        fit(engine, few, 0.0)
    with pytest.raises(InvalidInput, match=r"LOG: only 1 client with 25 or more"):
        fit_module._enough(1, followed=True)
    with pytest.raises(InvalidInput, match=r"LOG: no client with 25 or more"):
        fit_module._enough(0, followed=True)
    with pytest.raises(InvalidInput, match="--live: only 59 clients"):
        fit(engine, replace(few, followed=False), 0.0)


def test_clients_labelled_as_harvesting_are_left_out_and_cleared_ones_weigh_more(engine, material) -> None:
    told = fit(engine, replace(material, harvesting=frozenset({1, 2}), benign=frozenset({5})), 0.0)
    assert told.card["left_out"]["closed or labelled as harvesting"] == 2
    assert told.card["clients"] == CLIENTS - 2
    assert int(told.reference.sizes[0, -1, 0]) == CLIENTS - 2 + fit_module.TRUST - 1


def test_a_reference_is_refused_where_much_is_extraordinary(material) -> None:
    engine = load()
    engine.use(replace(engine.reference, forest=None))  # events of a few fields each: only their families are known
    strange = conversations(
        range(9_000, 9_060), seed=4, head4=7, tail6=8, flags=int(Flag.ELICIT_USER), elicitation=4, choices=8,
        out_chars=9_000, user=0, temperature=0.9,
    )  # fmt: skip
    shots = fitting.join([material.snapshots, fitting.observe(engine, strange)])
    told = fit(engine, Material(shots, True), 0.0)
    assert any("extraordinary by the present reference" in text for text in told.refusals), told.card
    assert told.card["clients"] < CLIENTS + 60


def test_clients_that_stand_at_one_look_each_are_fitted_too(engine, found) -> None:
    early = fitting.observe(engine, conversations(range(1, 301), 30))
    later = fitting.observe(engine, conversations(range(1_001, 1_321), 55, seed=1))
    told = fit(engine, Material([early[0], later[1]], False), 0.0)
    assert told.card["clients_at_looks"] == [300, 320]
    assert told.reference.sizes[0, -1, :3].tolist() == [300, 320, 0]


def test_of_each_client_the_busiest_window_is_taken() -> None:
    week = conversations([1, 2], 30)
    later = conversations([1, 2], 40)
    later["at"] += WINDOW
    kept = busiest_window(np.concatenate([week, later[:20], later[40:]]))
    counts = {client: int((kept["client"] == client).sum()) for client in (1, 2)}
    assert counts == {1: 30, 2: 40}


def test_logs_are_read_with_their_labels(engine, write_log, line, tmp_path) -> None:
    lines = [line(1_764_000_000.0 + k, name, f"Ask {k}") for name in ("a", "b") for k in range(26)]
    labels = tmp_path / "labels.csv"
    labels.write_text("client,label\na,1\nb,0\n", encoding="utf-8")
    read = from_logs([write_log("x.jsonl", *lines, b"torn")], engine, labels)
    assert [len(one.clients) for one in read.snapshots] == [2]
    assert read.harvesting == {client_id("a")}
    assert read.benign == {client_id("b")}
    assert read.source["exchanges"] == 52
    assert read.source["unreadable_lines"] == 1


def test_an_empty_log_is_an_error_that_says_what_to_give(engine, write_log) -> None:
    with pytest.raises(InvalidInput, match="give exchange logs"):
        from_logs([write_log("x.jsonl")], engine, None)


def test_reference_and_card_are_written_and_come_back(found, tmp_path) -> None:
    out = tmp_path / "own.npz"
    card = write(found, out)
    assert json.loads(card.read_text("utf-8"))["digest"] == reference.load(out).digest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.json", "own.npz"]


def test_a_failed_write_leaves_the_old_reference(found, tmp_path) -> None:
    out = tmp_path / "own.npz"
    write(found, out)
    before = out.read_bytes()
    (tmp_path / f".own.npz.{fit_module.os.getpid()}").mkdir()
    with pytest.raises(InvalidInput, match="--out"):
        write(found, out)
    assert out.read_bytes() == before


@pytest.mark.parametrize(("live", "logs"), [(False, []), (True, ["a.jsonl"])])
def test_either_logs_or_the_service_are_asked_for(tmp_path, live, logs) -> None:
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path)})
    with pytest.raises(InvalidInput, match="--live"):
        run_command(settings, [tmp_path / name for name in logs], live, None, None, False)


def test_the_command_writes_where_the_setting_points_and_refuses_doubts(
    write_log, line, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(fit_module, "LEAST", 5)
    lines = [line(1_764_000_000.0 + k, f"c{n}", f"Ask {n} {k}") for n in range(8) for k in range(26)]
    log, out = write_log("x.jsonl", *lines), tmp_path / "own.npz"
    settings = replace(read_settings({"STILLWATCH_DATA": str(tmp_path)}), reference="")
    assert run_command(settings, [log], False, None, out, True) == 0
    told = capsys.readouterr().err
    assert "STILLWATCH_REFERENCE=" in told
    assert "Levels are the present reference's, moved by +0.00 (watch) and +0.00 (review) nats." in told
    assert reference.load(out).about["clients"] == 8
    out.unlink()
    monkeypatch.setattr(fit_module.robust, "SUSPECT", -1.0)
    assert run_command(settings, [log], False, None, out, False) == 1
    assert not out.exists()
    assert "Doubt:" in capsys.readouterr().err
