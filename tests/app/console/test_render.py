"""Every page escapes, refuses unknown names, and is kept by no cache."""

from uuid import UUID

import pytest
from jinja2 import UndefinedError

from app.console import render


def test_text_is_escaped():
    page = render.html(
        "failure.html",
        dict.fromkeys(("status", "title", "detail", "remedy", "back_title"), "<i>") | {"back": '"><i>'},
    )
    assert b"<i>" not in page.body
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_misspelt_name_is_an_error():
    with pytest.raises(UndefinedError):
        render.html("failure.html", {})


def test_every_template_compiles():
    names = render.environment().list_templates()
    assert len(names) > 10
    for name in names:
        render.environment().get_template(name)


def test_ids_in_text_become_links_and_all_else_is_escaped():
    campaign, alert = f"cp_{UUID(int=7)}", f"al_{UUID(int=8)}"
    linked = render.environment().filters["linked"]
    said = linked(f"<b>Took in {campaign}, not cp_1 or x{campaign}; {alert}.")
    assert said.startswith("&lt;b&gt;Took in <a")
    assert said.count("<a ") == 2
    assert f'<a class="id" href="/campaigns/{campaign}">{campaign}</a>, not cp_1' in said
    assert f'href="/alerts/{alert}"' in said


def test_redirects_carry_the_same_headers():
    answer = render.redirect("/alerts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    assert answer.headers["x-frame-options"] == "DENY"
