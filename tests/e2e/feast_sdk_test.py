"""Feast's Python SDK as it is on PyPI reads, writes, pushes and materializes against the real service; and what the same
endpoints say to clients who send something wrong."""
import datetime as dt
import json
import subprocess

import pytest
import requests
import redis

from own_servers import OwnServers
from platform_under_test import TOP, Platform

VERSIONS = ["0.67.0", "0.63.0"]
SDK_DEADLINE_S = 180
FEATURES = [f"f{i:02}" for i in range(20)]
NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
HOUR = dt.timedelta(hours=1)


def feature(name, kind):
    return {"name": name, "type": kind, "description": f"{name} of the test"}


VIEWS = [
    {"name": "courier_stats", "version": 1, "description": "Numbers of a courier", "owner": "tests", "ttl_s": 86400,
     "entity": {"name": "courier", "join_key": "courier_id"}, "source": {"kind": "push", "name": "couriers"},
     "features": [feature(name, "float64") for name in FEATURES]},
    {"name": "shift_facts", "version": 1, "description": "Facts of a shift", "owner": "tests", "ttl_s": 0,
     "entities": [{"name": "shift", "join_key": "shift_id", "type": "int64"}, {"name": "zone", "join_key": "zone"}],
     "source": {"kind": "push", "name": "shifts"},
     "features": [feature("label", "string"), feature("active", "bool"), feature("started", "timestamp"),
                  feature("stops", "int64")]},
]
SERVICES = [{"name": "courier_model", "description": "What the test's model reads", "owner": "tests",
             "features": ["courier_stats:f03", "courier_stats:f01"]}]


@pytest.fixture(scope="module")
def servers():
    """A Redis of its own, to be taken away."""
    servers = OwnServers("feast", ["postgres", "redis", "kafka"])
    yield servers
    servers.stop_all()


@pytest.fixture(scope="module")
def store(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("feast")
    for name, declarations in (("views", VIEWS), ("services", SERVICES)):
        (folder / name).mkdir()
        for declaration in declarations:
            (folder / name / f"{declaration['name']}.json").write_text(json.dumps(declaration))
    platform = Platform("feast", folder, servers.addresses(), RUSHCAST_FEATURE_VIEWS=str(folder / "views"),
                        RUSHCAST_FEATURE_SERVICES=str(folder / "services"))
    platform.start("feature-store")
    platform.redis = redis.Redis("127.0.0.1", servers.ports["redis"])
    yield platform
    platform.stop_all()


class Exchange:
    """One of the SDK's, in the form that the contract is checked on."""

    def __init__(self, recorded):
        self.status_code, self.text = recorded["status"], recorded["body"]
        self.headers, self.content = {"Content-Type": recorded["type"]}, recorded["body"].encode()

    def json(self):
        return json.loads(self.text)


def run_sdk(store, version, folder):
    python = TOP / f".local/feast-{version}/venv/bin/python"
    assert python.exists(), f"{python} is missing: deploy/install.sh test makes it"
    store.redis.flushall()
    address = f"http://127.0.0.1:{store.ports['feature-store']}"
    done = subprocess.run([python, TOP / "tests/e2e/feast_client.py", address, folder], capture_output=True, text=True,
                          timeout=SDK_DEADLINE_S, env={"PATH": "/usr/bin:/bin", "HOME": str(folder),
                                                       "FEAST_USAGE": "False"})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout[done.stdout.index('{"steps"'):])


@pytest.fixture(scope="module", params=VERSIONS)
def sdk(request, store, tmp_path_factory):
    result = run_sdk(store, request.param, tmp_path_factory.mktemp("sdk"))
    result["version"] = request.param
    return result


def value(sdk, step):
    outcome = sdk["steps"][step]
    assert "value" in outcome, f"{step} raised {outcome}"
    return outcome["value"]


def first_answers(sdk):
    """{(feature, courier): [value, status]} as the service first answered."""
    answers = {}
    for exchange in sdk["exchanges"]:
        if exchange["path"] != "/get-online-features" or exchange["status"] != 200:
            continue
        body = json.loads(exchange["body"])
        columns = dict(zip(body["metadata"]["feature_names"], body["results"]))
        for name, column in columns.items():
            for i, courier in enumerate(columns.get("courier_id", {"values": []})["values"]):
                answers.setdefault((name, courier), [column["values"][i], column["statuses"][i]])
    return answers


def test_sdk_exchanges_are_as_documented(sdk, store):
    assert len(sdk["exchanges"]) > 15
    for exchange in sdk["exchanges"]:
        path = exchange["path"].split("?")[0]
        store.contract.check("feature-store", exchange["method"], path, Exchange(exchange))


def test_sdk_writes_and_reads(sdk):
    value(sdk, "write")
    couriers = ["c1", "nowhere", "old", "nulls", "c1"]
    columns = value(sdk, "read_names")
    assert columns.pop("courier_id") == [[courier, "PRESENT"] for courier in couriers]
    if sdk["version"] == "0.67.0":
        assert list(columns) == ["f02", "f00", "f01"]
    else:  # 0.63 asks in any order, and takes every value for present: what the service told it shows the statuses
        assert [pair[0] for pair in columns["f02"]] == [2.25, None, None, 2.25, 2.25]
        answers = first_answers(sdk)
        columns = {name: [answers[name, courier] for courier in couriers] for name in columns}
    for name in ("f02", "f00"):
        number = int(name[1:]) + 0.25
        assert columns[name] == [[number, "PRESENT"], [None, "NOT_FOUND"], [None, "OUTSIDE_MAX_AGE"],
                                 [number, "PRESENT"], [number, "PRESENT"]]
    assert columns["f01"][3] == [None, "NULL_VALUE"]
    assert value(sdk, "read_full_names")["courier_stats__f00"] == [[0.25, "PRESENT"]]


def test_sdk_reads_a_feature_service(sdk):
    columns = value(sdk, "read_service")
    columns.pop("courier_id")
    assert columns == {"f03": [[3.25, "PRESENT"]], "f01": [[1.25, "PRESENT"]]}


def test_sdk_writes_of_older_rows_change_nothing(sdk):
    assert value(sdk, "write_older")["f00"] == [[0.25, "PRESENT"]]
    assert value(sdk, "write_newer")["f00"] == [[8.5, "PRESENT"]]


def test_sdk_pushes(sdk):
    columns = value(sdk, "push")
    assert columns["f00"] == [[1.5, "PRESENT"]] and columns["f19"] == [[20.5, "PRESENT"]]


def test_sdk_with_several_keys_and_other_types(sdk):
    if sdk["version"] == "0.63.0":  # it asks for the first key only, and is told
        outcome = sdk["steps"]["several_keys_and_types"]
        assert outcome["raised"] == "FeastError" and "zone" in outcome["text"]
        return
    columns = value(sdk, "several_keys_and_types")
    assert columns["shift_id"] == [[7, "PRESENT"], [8, "PRESENT"], [7, "PRESENT"]]
    assert columns["stops"] == [[3, "PRESENT"], [-4, "PRESENT"], [None, "NOT_FOUND"]]
    assert columns["label"] == [["early", "PRESENT"], [None, "NULL_VALUE"], [None, "NOT_FOUND"]]
    assert columns["active"] == [[True, "PRESENT"], [False, "PRESENT"], [None, "NOT_FOUND"]]


def test_sdk_raises_what_the_service_says(sdk):
    steps = sdk["steps"]
    assert steps["read_unknown_view"]["raised"] == "FeatureViewNotFoundException"
    assert "client_only" in steps["read_unknown_view"]["text"]
    assert steps["write_unknown_view"]["raised"] == "FeastObjectNotFoundException"
    if sdk["version"] == "0.67.0":  # 0.63 takes services apart itself
        assert steps["read_unknown_service"]["raised"] == "FeatureServiceNotFoundException"
    else:
        assert steps["read_unknown_service"]["raised"] == "FeatureViewNotFoundException"


def test_sdk_materializes(sdk):
    if sdk["version"] == "0.67.0":  # the service takes what it has offline, where these couriers have nothing
        value(sdk, "materialize")
        value(sdk, "materialize_incremental")
        assert {"/materialize", "/materialize-incremental"} <= {exchange["path"].split("?")[0] for exchange in
                                                                sdk["exchanges"] if exchange["status"] == 200}
        return
    assert value(sdk, "materialize")["f00"] == [[0.75, "PRESENT"], [0.75, "PRESENT"]]
    assert value(sdk, "materialize_incremental")["f00"] == [[0.75, "PRESENT"], [0.75, "PRESENT"]]


# ---- Without an SDK -------------------------------------------------------------------------------------------------
def text(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def frame(ids, at=NOW, number=1.5, **changed):
    columns = {"courier_id": ids, "event_timestamp": [text(at)] * len(ids), "created": [text(at)] * len(ids)}
    return {**columns, **{name: [number] * len(ids) for name in FEATURES}, **changed}


def write(store, df, **options):
    return store.call("feature-store", "POST", "/write-to-online-store",
                      json={"feature_view_name": "courier_stats", "df": df, **options})


def push(store, df, **options):
    return store.call("feature-store", "POST", "/push", json={"push_source_name": "couriers", "df": df, **options})


def read(store, *ids, feature="f00"):
    """[(value, status), ..]"""
    response = store.call("feature-store", "POST", "/get-online-features",
                          json={"features": [f"courier_stats:{feature}"], "entities": {"courier_id": list(ids)}})
    assert response.status_code == 200, response.text
    result = response.json()["results"][1]
    return list(zip(result["values"], result["statuses"]))


def offline(store, courier_id):
    return store.query("SELECT event_timestamp, f00 FROM features.courier_stats_v1 JOIN features.entity USING (entity_id)"
                       " WHERE kind = 'courier_id' AND key = %s ORDER BY event_timestamp, recorded_seq", courier_id)


def refused(response, status, name, *words):
    assert response.status_code == status, response.text
    detail = json.loads(response.json())
    assert detail["module"] == "feast.errors" and detail["class"] == name
    for word in words:
        assert word in detail["message"], detail["message"]


def test_write_is_answered_with_null(store):
    response = write(store, frame(["w1"]))
    assert response.status_code == 200 and response.text == "null"
    assert read(store, "w1") == [(1.5, "PRESENT")]
    assert offline(store, "w1") == []


def test_corrections_need_the_overwrite_flag(store):
    for at, number in ((NOW, 1.0), (NOW, 2.0), (NOW - HOUR, 3.0)):
        assert write(store, frame(["o1"], at, number)).status_code == 200
        assert read(store, "o1") == [(1.0, "PRESENT")]
    for at, number in ((NOW, 4.0), (NOW - HOUR, 5.0)):
        assert write(store, frame(["o1"], at, number), overwrite=True).status_code == 200
        assert read(store, "o1") == [(number, "PRESENT")]


@pytest.mark.parametrize("to", ["online", "offline", "online_and_offline"])
def test_push_goes_where_it_is_told(store, to):
    courier = f"to-{to}"
    for _ in range(2):  # the second changes nothing
        response = push(store, frame([courier]), to=to)
        assert response.status_code == 200 and response.content == b"", response.text
    assert read(store, courier) == [(1.5, "PRESENT") if to != "offline" else (None, "NOT_FOUND")]
    assert offline(store, courier) == ([] if to == "online" else [(NOW, 1.5)])


def test_a_bad_value_is_named_and_nothing_of_its_batch_written(store):
    df = frame(["b1", "b2", "b3"], f07=[1, "abc", 2])
    for response in (write(store, df), push(store, df, to="online_and_offline")):
        refused(response, 422, "FeastError", "row 1", "f07", '"abc"', "float64")
    assert read(store, "b1", "b2", "b3") == [(None, "NOT_FOUND")] * 3
    assert offline(store, "b1") == []


@pytest.mark.parametrize("df, words", [
    (frame(["x"], event_timestamp=["not-a-date"]), ["row 0", "event_timestamp", "not-a-date"]),
    (frame(["x"], f03=[1, 2]), ["f03", "2 rows"]),
    (frame(["x", None]), ["row 1", "courier_id"]),
    ({name: values for name, values in frame(["x"]).items() if name != "f19"}, ["f19", "missing"]),
    ({name: values for name, values in frame(["x"]).items() if name != "event_timestamp"}, ["event_timestamp"]),
    ({name: values for name, values in frame(["x"]).items() if name != "courier_id"}, ["courier_id"]),
    ([frame(["x"])], ["df must be an object"]),
])
def test_bad_frames(store, df, words):
    refused(write(store, df), 422, "FeastError", *words)


def test_unknown_names(store):
    refused(write(store, frame(["x"]), feature_view_name="zzz"), 404, "FeastObjectNotFoundException", "zzz")
    refused(push(store, frame(["x"]), push_source_name="zzz"), 422, "PushSourceNotFoundException", "zzz")
    refused(push(store, frame(["x"]), to="zzz"), 422, "FeastError", "online_and_offline")


def test_times_and_numbers_that_are_not_finite(store):
    assert write(store, frame(["n1"], f00=["NaN"], f01=["-Infinity"])).status_code == 200
    assert read(store, "n1") == [("NaN", "PRESENT")]
    assert read(store, "n1", feature="f01") == [("-Infinity", "PRESENT")]
    df = {"shift_id": [1], "zone": ["n"], "label": ["x"], "active": [1], "stops": [2.0], "event_timestamp": [1764000000],
          "started": ["2026-11-23T10:00:00+03:00"]}
    assert write(store, df, feature_view_name="shift_facts").status_code == 200
    response = store.call("feature-store", "POST", "/get-online-features", json={
        "features": ["shift_facts:started", "shift_facts:active"], "entities": {"shift_id": [1], "zone": ["n"]}})
    started, active = response.json()["results"][2:]
    assert started == {"values": ["2026-11-23T07:00:00Z"], "statuses": ["PRESENT"],
                       "event_timestamps": ["2025-11-24T16:00:00Z"]}
    assert active["values"] == [True]


def test_a_large_batch(store):
    ids = [f"l{i}" for i in range(20000)]
    assert push(store, frame(ids), to="online_and_offline").status_code == 200
    assert read(store, "l0", "l19999") == [(1.5, "PRESENT")] * 2
    assert store.scalar("SELECT count(*) FROM features.courier_stats_v1 JOIN features.entity USING (entity_id)"
                        " WHERE key LIKE 'l%%'") == len(ids)


def test_limits(store):
    refused(write(store, {"courier_id": ["x"] * 100001}), 413, "FeastError", "100000")
    address = f"http://127.0.0.1:{store.ports['feature-store']}/push"
    response = requests.post(address, data=b" " * ((64 << 20) + 1), timeout=60,
                             headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    store.contract.check("feature-store", "POST", "/push", response)


def test_feature_services_are_listed(store):
    services = {service["name"]: service for service in
                store.json("feature-store", "/feature-services")["feature_services"]}
    assert services["courier_model"] == SERVICES[0]
    assert "geo_demand:orders" in services["dispatch"]["features"]


def test_metrics(store):
    metrics = store.get("feature-store", "/metrics").text
    for series in ('feast_push_request_total{push_source="couriers",mode="online_and_offline"}',
                   'feast_feature_server_request_total{endpoint="/push",status="error"}',
                   'feast_feature_server_request_latency_seconds_count{endpoint="/write-to-online-store"}',
                   'feast_online_features_request_total'):
        assert series in metrics


def test_redis_down_is_503_and_the_push_may_be_repeated(store, servers):
    """The last one: Redis is started again, and is empty."""
    servers.kill("redis")
    for response in (write(store, frame(["r1"])), push(store, frame(["r1"]), to="online_and_offline")):
        assert response.status_code == 503 and int(response.headers["Retry-After"]) >= 1
    assert push(store, frame(["r2"]), to="offline").status_code == 200
    servers.start("redis")
    assert push(store, frame(["r1"]), to="online_and_offline").status_code == 200
    assert read(store, "r1") == [(1.5, "PRESENT")]
    assert offline(store, "r1") == [(NOW, 1.5)]
