"""Static files: small, ours, cached by content, and nothing from elsewhere."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from app.console import assets

CONSOLE = Path(assets.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))


async def test_a_file_is_served_for_good_under_its_own_content(visitor):
    body = (CONSOLE / "static" / "app.css").read_bytes()
    address = assets.url("app.css")
    assert address == f"/static/app.css?v={sha256(body).hexdigest()[:16]}"
    answer = await visitor.get(address)
    assert answer.content == body
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    other = await visitor.get("/static/app.css?v=0123")
    assert other.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpages.py", "%2e%2e%2fpages.py", "/etc/passwd", ""])
async def test_nothing_else_is_reachable(visitor, name):
    answer = await visitor.get(f"/static/{name}")
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_script_is_small():
    assert len(assets.assets()["app.js"].body) < 10_000


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_name_no_outside_host_and_nothing_inline(path):
    text = path.read_text("utf-8")
    hosts = re.findall(r"(?:https?:)?//[^\s\"'<>]+", text)
    assert [host for host in hosts if not host.startswith("//{{")] == []
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", text, re.I)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text, re.I)
    assert "| safe" not in text
    assert "|safe" not in text


def test_styles_and_scripts_name_no_outside_host():
    for name, asset in assets.assets().items():
        text = asset.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(|@import", text), name
