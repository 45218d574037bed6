"""The set of labels stays small whatever callers ask for."""

from types import SimpleNamespace

from prometheus_client.parser import text_string_to_metric_families

from app.api import metrics
from app.api.metrics import ApiMetrics
from app.store.heartbeat import Heartbeat


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_unknown_paths_and_methods_share_one_label():
    found = ApiMetrics()
    for number in range(50):
        found.observe({"method": f"M{number}", "path": f"/{number}"}, 404, 0.001)
    found.observe({"method": "GET", "path": "/x/1", "route": SimpleNamespace(path="/x/{id}")}, 200, 0.001)
    counted = {key: value for key, value in samples(found.render([])).items() if key[0].endswith("requests_total")}
    assert sorted(counted.values()) == [1.0, 50.0]


def test_a_heartbeat_becomes_counters_gauges_and_an_age():
    beat = Heartbeat("worker", "w1", 100.0, 1.0, counters={"events": 3}, gauges={"owned": 2.5})
    found = samples(ApiMetrics().render(metrics.processes([beat], 103.0)))
    who = (("instance", "w1"), ("role", "worker"))
    assert found["stillwatch_heartbeat_age_seconds", who] == 3.0
    assert found["stillwatch_process_count_total", (who[0], ("name", "events"), who[1])] == 3.0
    assert found["stillwatch_process_gauge", (who[0], ("name", "owned"), who[1])] == 2.5


def test_alerts_by_state():
    found = samples(ApiMetrics().render([metrics.alerts({"new": 2, "closed": 1})]))
    assert found["stillwatch_alerts", (("status", "new"),)] == 2.0
    up = samples(ApiMetrics().render([metrics.dependencies({"db": True, "redis": False})]))
    assert up["stillwatch_dependency_up", (("dependency", "redis"),)] == 0.0
