"""Uses Feast's SDK, unmodified, against a running feature store; run by feast_sdk_test.py with the Python of an SDK's own
environment:

    feast_client.py ADDRESS FOLDER

Prints one JSON object: what each step gave (`value`, or the class and text of what it raised), and every HTTP exchange.
"""
import datetime as dt
import json
import pathlib
import sys

import feast
import pandas as pd
import requests
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig, ValueType
from feast.data_source import PushMode
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import Bool, Float64, Int64, String, UnixTimestamp

ADDRESS, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0, tzinfo=None)
HOUR = dt.timedelta(hours=1)
FEATURES = [f"f{i:02}" for i in range(20)]
steps, exchanges = {}, []


def record(send):
    def sent(session, request, **options):
        response = send(session, request, **options)
        exchanges.append({"method": request.method, "path": request.path_url, "status": response.status_code,
                          "type": response.headers.get("Content-Type", ""), "body": response.text})
        return response
    return sent


requests.Session.send = record(requests.Session.send)


def step(function):
    try:
        steps[function.__name__] = {"value": function()}
    except Exception as error:  # what is raised is what is tested
        steps[function.__name__] = {"raised": type(error).__name__, "text": str(error)}


courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
shift = Entity(name="shift", join_keys=["shift_id"], value_type=ValueType.INT64)
zone = Entity(name="zone", join_keys=["zone"], value_type=ValueType.STRING)


def rows(ids, event_timestamp, value=0.25, **changed):
    columns = {"courier_id": ids, **{name: [i + value] * len(ids) for i, name in enumerate(FEATURES)},
               "event_timestamp": [event_timestamp] * len(ids), "created": [event_timestamp] * len(ids)}
    return pd.DataFrame({**columns, **changed})


rows(["m1", "m2"], NOW - HOUR, 0.75).to_parquet(FOLDER / "couriers.parquet")
source = FileSource(path=str(FOLDER / "couriers.parquet"), timestamp_field="event_timestamp",
                    created_timestamp_column="created")
courier_stats = FeatureView(name="courier_stats", entities=[courier], ttl=dt.timedelta(days=1), online=True,
                            schema=[Field(name=name, dtype=Float64) for name in FEATURES],
                            source=PushSource(name="couriers", batch_source=source))
shift_facts = FeatureView(name="shift_facts", entities=[shift, zone], ttl=dt.timedelta(0), online=True,
                          schema=[Field(name="label", dtype=String), Field(name="active", dtype=Bool),
                                  Field(name="started", dtype=UnixTimestamp), Field(name="stops", dtype=Int64)],
                          source=source)
client_only = FeatureView(name="client_only", entities=[courier], ttl=dt.timedelta(days=1), online=True,
                          schema=[Field(name="f00", dtype=Float64)], source=source)
courier_model = FeatureService(name="courier_model", features=[courier_stats[["f03", "f01"]]])
unknown_model = FeatureService(name="unknown_model", features=[client_only])

store = FeatureStore(config=RepoConfig(project="rushcast", provider="local", registry=str(FOLDER / "registry.db"),
                                       online_store={"type": "remote", "path": ADDRESS},
                                       offline_store={"type": "file"}, entity_key_serialization_version=3))
store.apply([courier, shift, zone, courier_stats, shift_facts, client_only, courier_model, unknown_model])
exchanges.clear()


def read(features, entity_rows, **options):
    """{name: [[value, status], ..]} in the answer's order."""
    proto = store.get_online_features(features=features, entity_rows=entity_rows, **options).proto
    names, answer = list(proto.metadata.feature_names.val), {}
    for name, result in zip(names, proto.results):
        answer[name] = [[plain(value), FieldStatus.Name(status)]
                        for value, status in zip(result.values, result.statuses)]
    return answer


def plain(value):
    kind = value.WhichOneof("val")
    return None if kind is None else getattr(value, kind)


def couriers(*ids):
    return [{"courier_id": courier_id} for courier_id in ids]


@step
def write():
    store.write_to_online_store("courier_stats", rows(["c1", "c2"], NOW - HOUR))
    store.write_to_online_store("courier_stats", rows(["old"], NOW - 48 * HOUR))
    store.write_to_online_store("courier_stats", rows(["nulls"], NOW - HOUR, f01=[float("nan")]))


@step
def read_names():
    return read(["courier_stats:f02", "courier_stats:f00", "courier_stats:f01"],
                couriers("c1", "nowhere", "old", "nulls", "c1"))


@step
def read_full_names():
    return read(["courier_stats:f00"], couriers("c2"), full_feature_names=True)


@step
def read_service():
    return read(store.get_feature_service("courier_model"), couriers("c1"))


@step
def write_older():
    store.write_to_online_store("courier_stats", rows(["c1"], NOW - 2 * HOUR, 7.5))
    return read(["courier_stats:f00"], couriers("c1"))


@step
def write_newer():
    store.write_to_online_store("courier_stats", rows(["c1"], NOW, 8.5))
    return read(["courier_stats:f00"], couriers("c1"))


@step
def push():
    store.push("couriers", rows(["p1"], NOW, 1.5), to=PushMode.ONLINE)
    return read(["courier_stats:f00", "courier_stats:f19"], couriers("p1"))


@step
def several_keys_and_types():
    store.write_to_online_store("shift_facts", pd.DataFrame({
        "shift_id": [7, 8], "zone": ["n", "s"], "label": ["early", None], "active": [True, False],
        "started": [None, None] if feast.__version__ == "0.63.0" else [NOW - HOUR, NOW],  # 0.63 cannot send times
        "stops": [3, -4], "event_timestamp": [NOW, NOW], "created": [NOW, NOW]}))
    return read(["shift_facts:stops", "shift_facts:label", "shift_facts:active"],
                [{"shift_id": 7, "zone": "n"}, {"shift_id": 8, "zone": "s"}, {"shift_id": 7, "zone": "s"}])


@step
def read_unknown_view():
    return read(["client_only:f00"], couriers("c1"))


@step
def read_unknown_service():
    return read(store.get_feature_service("unknown_model"), couriers("c1"))


@step
def write_unknown_view():
    store.write_to_online_store("client_only", rows(["c1"], NOW)[["courier_id", "f00", "event_timestamp", "created"]])


@step
def materialize():
    """0.63 sends the rows of couriers.parquet; 0.67 asks the service, which has others offline."""
    store.materialize(start_date=NOW - 24 * HOUR, end_date=NOW, feature_views=["courier_stats"])
    return read(["courier_stats:f00"], couriers("m1", "m2"))


@step
def materialize_incremental():
    store.materialize_incremental(end_date=NOW, feature_views=["courier_stats"])
    return read(["courier_stats:f00"], couriers("m1", "m2"))


json.dump({"steps": steps, "exchanges": exchanges}, sys.stdout)
