"""The documents name every setting, metric, route, detector, feature and dependency that exists."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.settings import SETTINGS
from detectors.event import FIELDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def every_document() -> str:
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")])


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_setting_is_documented_with_its_default(setting):
    rows = [line for line in (DOCS / "settings.md").read_text("utf-8").splitlines() if f"`{setting.name}`" in line]
    assert rows, "name it in docs/settings.md"
    assert any((setting.default or "empty") in row for row in rows), f"its default is {setting.default!r}"


def test_no_setting_is_read_that_the_table_lacks():
    known = {setting.name for setting in SETTINGS}
    found = set()
    files = [ROOT / name for name in ("docker-compose.yml", "Dockerfile", "Makefile", "README.md", ".env.example")]
    folders = [(ROOT / "app").rglob("*.py"), (ROOT / "bench").rglob("*.py"), (ROOT / "scripts").iterdir()]
    for path in [*(file for file in files if file.exists()), *DOCS.rglob("*.md"), *(p for f in folders for p in f)]:
        found |= set(re.findall(r"STILLWATCH_[A-Z][A-Z0-9_]*[A-Z0-9]", path.read_text("utf-8")))
    assert not found - known


def test_every_metric_is_documented():
    names = set()
    for path in (ROOT / "app").rglob("*.py"):
        names |= set(re.findall(r"[\"'](stillwatch_[a-z0-9_]+)[\"']", path.read_text("utf-8")))
    names.discard("stillwatch_gateway")  # the type of the gateway's own error bodies
    text = every_document()
    assert names
    assert not [name for name in sorted(names) if name not in text]


def test_every_counter_of_a_process_is_documented():
    names = set()
    for path in (ROOT / "app").rglob("*.py"):
        names |= set(re.findall(r"count(?:er)?s\[\"([a-z_]+)\"\] \+=", path.read_text("utf-8")))
    told = re.findall(r"`([a-z_]+\*?)`", (DOCS / "metrics.md").read_text("utf-8"))
    families = tuple(name.removesuffix("*") for name in told if name.endswith("*"))
    assert len(names) > 30
    assert not sorted(name for name in names if name not in told and not name.startswith(families))


def test_how_many_come_by_chance_is_told_of_the_reference_that_ships():
    card = json.loads((ROOT / "detectors" / "shipped" / "card.json").read_text("utf-8"))
    counted = f"{1 + card['ever_reviewed']} / {1 + card['clients']:,}"
    asked = f"so 1 / {1 / card['review_rate_asked']:,.0f}"
    row = next(line for line in (DOCS / "review.md").read_text("utf-8").splitlines() if line.startswith("| *share* |"))
    assert counted in row
    assert asked in row


def test_every_detector_has_a_card():
    from detectors.registry import shipped

    names = [detector.name for detector in shipped()]
    assert len(names) >= 3
    for name in names:
        card = (DOCS / "detectors" / f"{name}.md").read_text("utf-8")
        for part in ("Hypothesis", "What it misses", "Cost", "References"):
            assert part.lower() in card.lower(), f"{name}: the card has no part {part!r}"


def test_every_feature_is_documented():
    text = (DOCS / "features.md").read_text("utf-8")
    assert not [field.name for field in FIELDS if field.name != "pad" and f"`{field.name}`" not in text]


def test_every_direct_dependency_is_decided():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    text = "\n".join(path.read_text("utf-8") for path in (DOCS / "decisions").glob("*.md"))
    names = [re.split(r"[\[;<>= ]", item)[0] for item in wanted]
    assert not [name for name in names if f"`{name}`" not in text]


def test_decisions_say_their_security_considerations():
    for path in (DOCS / "decisions").glob("*.md"):
        assert "## Security considerations" in path.read_text("utf-8"), path.name


def test_links_between_documents_lead_somewhere():
    broken = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")]:
        targets = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", path.read_text("utf-8"))
        broken += [f"{path.relative_to(ROOT)} -> {target}" for target in targets if not (path.parent / target).exists()]
    assert not broken, "\n".join(broken)


def test_make_help_names_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, re.M)
    assert phony
    for name in phony.group(1).split():
        assert re.search(rf"^{name}:.*## ", text, re.M), name
