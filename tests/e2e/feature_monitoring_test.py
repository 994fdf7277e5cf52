"""The statistics of a feature view, the metrics of the monitor, and the alert rules over them."""
import datetime as dt
import json
import re

import pytest
import yaml

from own_servers import OwnServers
from platform_under_test import TOP, Platform, wait_until

NOW = dt.datetime.now(dt.timezone.utc).replace(minute=0, second=0, microsecond=0)
VIEW = {"name": "courier_stats", "version": 1, "description": "Numbers of a courier", "owner": "tests", "ttl_s": 36000,
        "entity": {"name": "courier", "join_key": "courier_id"}, "source": {"kind": "push", "name": "couriers"},
        "features": [{"name": "load", "type": "float64", "description": "Load", "minimum": 0, "maximum": 10},
                     {"name": "note", "type": "string", "description": "Note"}]}
ALERTS = TOP / "deploy/prometheus/feature-store-alerts.yaml"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    servers = OwnServers("feature-monitoring", ["postgres", "redis", "kafka"])
    folder = tmp_path_factory.mktemp("views")
    (folder / "courier_stats.json").write_text(json.dumps(VIEW))
    platform = Platform("feature-monitoring", folder, servers.addresses(), RUSHCAST_FEATURE_VIEWS=str(folder),
                        RUSHCAST_FEATURES_MONITOR_S="1")
    platform.start("feature-store")
    wait_until("the schema", lambda: platform.answers("feature-store")
               and platform.get("feature-store", "/health").status_code == 200)
    yield platform
    platform.stop_all()
    servers.stop_all()


def push(store, ids, times, loads, to="online_and_offline"):
    df = {"courier_id": ids, "event_timestamp": [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in times], "load": loads,
          "note": [None] * len(ids)}
    answer = store.call("feature-store", "POST", "/push", json={"push_source_name": "couriers", "df": df, "to": to})
    assert answer.status_code == 200, answer.text


def test_statistics_and_metrics(store):
    hours = [NOW - dt.timedelta(hours=hour) for hour in range(24 * 35)]
    push(store, ["a"] * len(hours), hours, [11.0 if hour < 24 * 7 else 1.0 + hour % 4 for hour in range(len(hours))])
    read = store.call("feature-store", "POST", "/get-online-features", json={
        "features": ["courier_stats:load", "courier_stats:note"], "entities": {"courier_id": ["a", "nobody"]}})
    assert read.status_code == 200
    wait_until("the monitor", lambda: store.json(
        "feature-store", "/feature-views/courier_stats/statistics")["parity"]["checked"] == 1)
    answer = store.json("feature-store", "/feature-views/courier_stats/statistics")
    load, note = answer["features"]
    assert (answer["rows"], answer["entities"], answer["sampled"]) == (168, 1, False)
    assert (load["mean"], load["stddev"], load["p10"], load["p90"], load["out_of_range"]) == (11.0, 0.0, 11.0, 11.0, 168)
    assert load["psi"] > 1 and note["psi"] is None and note["null_rate"] == 1.0 and "out_of_range" not in note
    assert answer["online"] == {"hit": 1, "miss": 2, "expired": 0, "null": 1}
    assert answer["parity"]["mismatched"] == 0
    metrics = store.get("feature-store", "/metrics").text
    assert 'rushcast_feature_out_of_range{feature_view="courier_stats",feature="load"} 168' in metrics
    assert 'rushcast_feature_event_age_seconds_count{feature_view="courier_stats"} 1' in metrics
    names = re.findall(r"^# TYPE (\S+)", metrics, re.M)
    assert len(names) == len(set(names)), "a metric has one place"


def test_alert_rules_name_metrics_and_sections_that_exist(store):
    metrics = store.get("feature-store", "/metrics").text
    titles = re.findall(r"^#+ (.*)$", (TOP / "docs/feature-store.md").read_text(), re.M)
    sections = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            for name in re.findall(r"\b(?:feast|rushcast)_[a-z_]+", rule["expr"]):
                assert re.search(rf"^{name}[{{ ]", metrics, re.M), name
            file, section = rule["annotations"]["runbook"].split("#")
            assert file == "docs/feature-store.md" and section in sections, section
