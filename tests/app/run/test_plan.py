"""Processes, their environment and the order in which they stop."""

import sys

from app.run import plan
from app.settings import read_settings, warnings

RESOLVED = plan.Resolved("/data", "s" * 32, "t" * 20, "unix:///v.sock?db=0", "http://127.0.0.1:9")


def test_children_get_what_was_resolved_and_read_it_back():
    environ = {"PATH": "/bin", "PYTHONPATH": "/elsewhere", "OMP_NUM_THREADS": "4", "STILLWATCH_GATEWAY_PORT": "81"}
    settings = read_settings(environ)
    env = plan.environment(environ, settings, RESOLVED)
    again = read_settings(env)
    assert (again.redis_url, again.upstream, again.secret) == (RESOLVED.redis_url, RESOLVED.upstream, RESOLVED.secret)
    assert again.database_url == settings.database_url
    assert again.gateway_port == 81
    assert (env["PATH"], env["OMP_NUM_THREADS"], env["OPENBLAS_NUM_THREADS"]) == ("/bin", "4", "1")
    assert "PYTHONPATH" not in env


def test_a_misspelt_setting_is_told_by_the_run_alone_and_not_by_each_child():
    env = plan.environment({"STILLWATCH_MODUS": "enforce", "PATH": "/bin"}, read_settings({}), RESOLVED)
    assert warnings(env) == []
    assert env["PATH"] == "/bin"


def test_secrets_never_stand_in_a_command_line():
    settings = read_settings({})
    env = plan.environment({}, settings, RESOLVED)
    specs = [*plan.service_specs(settings, env), plan.sample_api_spec(env, 5), plan.sample_traffic_spec(env)]
    assert not [spec for spec in specs for word in spec.argv if RESOLVED.secret in word or RESOLVED.admin_token in word]
    assert all(spec.argv[:4] == (sys.executable, "-P", "-m", "app.cli") for spec in specs)
    assert {spec.name for spec in specs} | {"valkey"} == {name for names in plan.STOP_ORDER for name in names}


def test_the_gateway_may_drain():
    settings = read_settings({"STILLWATCH_DRAIN_SECONDS": "40"})
    gateway = next(spec for spec in plan.service_specs(settings, {}) if spec.name == "gateway")
    assert gateway.stop_seconds > 40
