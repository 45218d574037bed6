"""Return paths stay ours; the policy allows nothing inline and no other host."""

import pytest

from app.console.guard import HEADERS, HOME, POLICY, return_path


@pytest.mark.parametrize(
    "path", ["/alerts", "/alerts/al_1?done=closed", "/clients/cl_00ff", "/status", "/alerts?state=all&client=x"]
)
def test_our_own_pages_are_kept(path):
    assert return_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/alerts",
        "//evil.example/alerts",
        "///evil.example/alerts",
        "/\\evil.example/alerts",
        "\\\\evil.example",
        "/alerts\r\nset-cookie: a=b",
        "/alerts/\t/evil",
        "javascript:alert(1)",
        "alerts",
        "",
        "/signout",
        "/alertsevil",
        "/alerts/../signout",
        "/static/app.js",
        "/api/v1/alerts",
        "/alerts?" + "x" * 3000,
    ],
)
def test_everything_else_leads_home(path):
    assert return_path(path) == HOME


def test_the_policy_is_strict():
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}
    assert {"frame-ancestors", "base-uri", "form-action"} <= set(rules)
    assert HEADERS["x-content-type-options"] == "nosniff"
