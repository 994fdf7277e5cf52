"""Rows recorded offline go online when they are asked for, and a run that was cut off goes on."""
import datetime as dt
import json
import time

import pytest
import redis

from own_servers import OwnServers
from platform_under_test import Platform

FEATURES = [f"f{i:02}" for i in range(20)]
NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
HOUR = dt.timedelta(hours=1)
VIEW = {"name": "courier_stats", "version": 1, "description": "Numbers of a courier", "owner": "tests", "ttl_s": 36000,
        "entity": {"name": "courier", "join_key": "courier_id"}, "source": {"kind": "push", "name": "couriers"},
        "features": [{"name": name, "type": "float64", "description": name} for name in FEATURES]}


@pytest.fixture(scope="module")
def servers():
    servers = OwnServers("materialize", ["postgres", "redis", "kafka"])
    yield servers
    servers.stop_all()


@pytest.fixture(scope="module")
def store(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    (folder / "courier_stats.json").write_text(json.dumps(VIEW))
    platform = Platform("materialize", folder, servers.addresses(), RUSHCAST_FEATURE_VIEWS=str(folder))
    platform.start("feature-store")
    deadline = time.monotonic() + 30
    while platform.get("feature-store", "/health").status_code != 200:
        assert time.monotonic() < deadline, "the schema is not there"
        time.sleep(0.1)
    platform.redis = redis.Redis("127.0.0.1", servers.ports["redis"])
    yield platform
    platform.stop_all()


@pytest.fixture(autouse=True)
def clean(store):
    store.redis.flushall()
    for table in ("courier_stats_v1", "materialization"):
        store.query(f"DELETE FROM features.{table} RETURNING 1")


def naive(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%S")


def push(store, ids, at, number, to="offline"):
    df = {"courier_id": ids, "event_timestamp": [naive(at)] * len(ids), **{name: [number] * len(ids) for name in FEATURES}}
    response = store.call("feature-store", "POST", "/push", json={"push_source_name": "couriers", "df": df, "to": to})
    assert response.status_code == 200, response.text


def materialize(store, start, end, query="", views=("courier_stats",)):
    return store.call("feature-store", "POST", "/materialize" + query, json={
        "start_ts": start and naive(start), "end_ts": end and naive(end), "feature_views": views and list(views)})


def incremental(store, end):
    return store.call("feature-store", "POST", "/materialize-incremental",
                      json={"end_ts": naive(end), "feature_views": ["courier_stats"]})


def done(response):
    assert response.status_code == 200 and response.text == "null", response.text


def read(store, *ids):
    response = store.call("feature-store", "POST", "/get-online-features",
                          json={"features": ["courier_stats:f07"], "entities": {"courier_id": list(ids)}})
    return response.json()["results"][1]["values"]


def runs(store):
    return store.json("feature-store", "/materializations?limit=5")["materializations"]


def test_newest_row_of_each_entity_after_start_and_not_after_end(store):
    push(store, ["a", "b"], NOW - 4 * HOUR, 1.0)
    push(store, ["a"], NOW - 2 * HOUR, 2.0)
    push(store, ["a"], NOW - HOUR, 3.0)
    push(store, ["c"], NOW - 3 * HOUR, 4.0)
    done(materialize(store, NOW - 4 * HOUR, NOW - 2 * HOUR))
    assert read(store, "a", "b", "c") == [2.0, None, 4.0]
    run = runs(store)[0]
    assert (run["state"], run["rows_read"], run["rows_applied"], run["incremental"]) == ("done", 2, 2, False)
    assert store.json("feature-store", f"/materializations/{run['id']}") == run


def test_the_last_of_restated_rows_and_all_views(store):
    push(store, ["a"], NOW - HOUR, 1.0)
    push(store, ["a"], NOW - HOUR, 2.0)
    done(materialize(store, NOW - 2 * HOUR, NOW, views=None))
    assert read(store, "a") == [2.0]
    assert {run["feature_view"] for run in runs(store)} >= {"courier_stats", "geo_demand"}


def test_a_late_row_and_a_newer_one_online(store):
    push(store, ["a", "b"], NOW - HOUR, 5.0, to="online_and_offline")
    push(store, ["a", "late"], NOW - 3 * HOUR, 1.0)
    done(materialize(store, NOW - 4 * HOUR, NOW - 2 * HOUR))
    assert read(store, "a", "b", "late") == [5.0, 5.0, 1.0]
    assert (runs(store)[0]["rows_read"], runs(store)[0]["rows_applied"]) == (2, 1)


def test_incremental_goes_on_where_the_last_ended(store):
    push(store, ["old"], NOW - 11 * HOUR, 1.0)
    push(store, ["a"], NOW - 3 * HOUR, 1.0)
    done(incremental(store, NOW - 2 * HOUR))  # nothing finished before: from end - ttl on
    assert runs(store)[0]["start_ts"] == naive(NOW - 12 * HOUR) + "Z"
    push(store, ["a"], NOW - HOUR, 2.0)
    push(store, ["b"], NOW - 5 * HOUR, 3.0)  # late
    done(incremental(store, NOW))
    assert (runs(store)[0]["start_ts"], runs(store)[0]["rows_read"]) == (naive(NOW - 2 * HOUR) + "Z", 1)
    assert read(store, "a", "b") == [2.0, None]
    done(materialize(store, NOW - 6 * HOUR, NOW))
    assert read(store, "a", "b") == [2.0, 3.0]


def test_a_run_cut_off_goes_on_from_where_it_was(store):
    push(store, ["x", "y"], NOW - HOUR, 1.0)
    reached = store.scalar("SELECT min(entity_id) FROM features.entity WHERE key IN ('x', 'y')")
    store.kill("feature-store")
    number = store.scalar(
        "INSERT INTO features.materialization (view_name, view_version, end_ts, incremental, state, started_at,"
        " entity_reached, rows_read, rows_applied) VALUES ('courier_stats', 1, %s, false, 'running', now(), %s, 1, 1)"
        " RETURNING materialization_id", NOW, reached)
    store.start("feature-store")
    for _ in range(100):
        run = store.json("feature-store", f"/materializations/{number}")
        if run["state"] == "done":
            break
        time.sleep(0.1)
    assert (run["state"], run["rows_read"]) == ("done", 2)
    assert sorted(read(store, "x", "y"), key=str) == [1.0, None]  # the first was done before it was cut off


def refused(response, status, name, *words):
    assert response.status_code == status, response.text
    detail = json.loads(response.json())
    assert detail["class"] == name and all(word in detail["message"] for word in words), detail


def test_one_at_a_time_unless_forced(store, servers):
    """Without Redis a run does not get on."""
    push(store, ["a"], NOW - HOUR, 1.0)
    servers.kill("redis")
    response = materialize(store, NOW - 2 * HOUR, NOW, "?async=true")
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["feature_views"]) == ("accepted", ["courier_stats"])
    refused(materialize(store, NOW - 2 * HOUR, NOW), 409, "FeastError", "courier_stats", "/materializations/")
    assert materialize(store, NOW - 2 * HOUR, NOW, "?async=true&force=true").status_code == 202
    servers.start("redis")
    deadline = time.monotonic() + 60
    while any(run["state"] != "done" for run in runs(store)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [run["state"] for run in runs(store)] == ["done", "done"] and read(store, "a") == [1.0]


def test_errors(store):
    refused(materialize(store, NOW, NOW - HOUR), 422, "FeastError", "start_ts", "end_ts")
    refused(materialize(store, None, NOW), 422, "FeastError", "start_ts")
    refused(materialize(store, NOW - HOUR, NOW, views=["zzz"]), 404, "FeatureViewNotFoundException", "zzz")
    refused(materialize(store, NOW - HOUR, NOW, views=["geo_calendar"]), 422, "FeastError", "geo_calendar")
    response = store.call("feature-store", "POST", "/materialize-incremental", json={"end_ts": "soon"})
    refused(response, 422, "FeastError", "end_ts")
    assert store.get("feature-store", "/materializations/999999").status_code == 404
    assert runs(store) == []


def test_many_entities(store):
    """More than a page; prints the time."""
    push(store, [f"m{i}" for i in range(12500)], NOW - HOUR, 1.5)
    begin = time.monotonic()
    done(materialize(store, NOW - 2 * HOUR, NOW))
    print(f"12,500 entities x 20 features: {time.monotonic() - begin:.3f} s")
    assert runs(store)[0]["rows_applied"] == 12500
    assert read(store, "m0", "m12499") == [1.5, 1.5]
    metrics = store.get("feature-store", "/metrics").text
    assert 'feast_materialization_result_total{feature_view="courier_stats",status="success"}' in metrics
    assert 'feast_materialization_duration_seconds_count{feature_view="courier_stats"}' in metrics
