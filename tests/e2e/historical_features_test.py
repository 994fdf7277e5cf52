"""POST /get-historical-features against the same join computed by pandas, in every form of body and answer."""
import io
import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from platform_under_test import Platform, wait_until

ARROW, CSV, JSON = "application/vnd.apache.arrow.stream", "text/csv", "application/json"
DRIVERS, ROWS, ASKED = 40, 3000, 2000
BEGIN = pd.Timestamp("2026-04-20T00:00:00Z")
TTL_S = {"trips": 36 * 3600, "zone_load": 0}
VIEWS = [
    {"name": "trips", "entity": {"name": "driver", "join_key": "driver", "type": "int64"},
     "features": [("done", "int64"), ("rating", "float64"), ("busy", "bool"), ("note", "string"), ("seen", "timestamp")]},
    {"name": "zone_load",
     "entities": [{"name": "driver", "join_key": "driver", "type": "int64"}, {"name": "zone", "join_key": "zone"}],
     "features": [("load", "float64")]},
]
FEATURES = ["zone_load:load", "trips:done", "trips:rating", "trips:busy", "trips:note", "trips:seen"]
PATH = "/get-historical-features"


def declare(folder, view):
    declaration = {"version": 1, "description": "d", "owner": "o", "ttl_s": TTL_S[view["name"]],
                   "source": {"kind": "push", "name": view["name"]}} | view
    declaration["features"] = [{"name": n, "type": t, "description": "d"} for n, t in view["features"]]
    (folder / f"{view['name']}.json").write_text(json.dumps(declaration))


def instants(rng, count):
    """Whole hours, so that many are equal, over months and their borders."""
    return BEGIN + pd.to_timedelta(rng.integers(0, 24 * 50, count), unit="h")


def recordings(rng, keys):
    """Rows as they were recorded: event times that repeat, some recorded late."""
    frame = pd.DataFrame(keys)
    frame["event_timestamp"] = instants(rng, len(frame))
    late_h = rng.integers(0, 30, len(frame)) * rng.integers(0, 2, len(frame))
    frame["created"] = frame.event_timestamp + pd.to_timedelta(late_h, unit="h")
    return frame.sort_values("created", kind="stable", ignore_index=True)


def trips(rng):
    frame = recordings(rng, {"driver": rng.integers(0, DRIVERS, ROWS)})
    frame["done"] = pd.array(rng.integers(0, 1000, ROWS), dtype="Int64")
    frame.loc[rng.random(ROWS) < 0.1, "done"] = pd.NA
    frame["rating"] = rng.normal(size=ROWS)
    frame["busy"] = rng.random(ROWS) < 0.5
    frame["note"] = [f'n "{i}", ö' for i in range(ROWS)]
    frame["seen"] = frame.event_timestamp - pd.Timedelta(microseconds=1)
    return frame


def zone_load(rng):
    frame = recordings(rng, {"driver": rng.integers(0, DRIVERS, ROWS), "zone": rng.choice(["a", "b"], ROWS)})
    frame["load"] = rng.random(ROWS)
    return frame


def push(platform, name, frame, keys):
    """In as many pushes as a row has recordings: of one push the last row of an entity and event time counts."""
    for _, part in frame.groupby(frame.groupby([*keys, "event_timestamp"]).cumcount()):
        push_once(platform, name, part)


def push_once(platform, name, frame):
    sent = frame.copy()
    for column in sent.columns:
        if isinstance(sent[column].dtype, pd.DatetimeTZDtype):
            sent[column] = sent[column].map(lambda t: t.isoformat())
    df = {c: [None if v is pd.NA else v for v in sent[c].astype(object)] for c in sent.columns}
    answer = platform.call("feature-store", "POST", "/push", json={"push_source_name": name, "df": df, "to": "offline"})
    assert answer.status_code == 200, answer.text


def expected(asked, frame, keys, ttl_s, any_recorded):
    """Row by row, by nothing but the definition."""
    out = []
    groups = {k: g for k, g in frame.groupby(keys)}
    for row in asked.itertuples():
        g = groups.get(tuple(getattr(row, k) for k in keys))
        if g is not None:
            g = g[g.event_timestamp <= row.event_timestamp]
            if not any_recorded:
                g = g[g.created <= row.event_timestamp]
            if ttl_s:
                g = g[g.event_timestamp >= row.event_timestamp - pd.Timedelta(seconds=ttl_s)]
        out.append(None if g is None or g.empty else
                   g.sort_values(["event_timestamp", "created"], kind="stable").iloc[-1])
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("historical")
    for view in VIEWS:
        declare(folder, view)
    platform = Platform("historical_features", folder, RUSHCAST_FEATURE_VIEWS=str(folder))
    platform.start("feature-store")
    wait_until("the views to be applied", lambda: platform.get("feature-store", "/health").status_code == 200)
    rng = np.random.default_rng(11)
    frames = {"trips": trips(rng), "zone_load": zone_load(rng)}
    push(platform, "trips", frames["trips"], ["driver"])
    push(platform, "zone_load", frames["zone_load"], ["driver", "zone"])
    asked = pd.DataFrame({"label": rng.integers(0, 2, ASKED), "zone": rng.choice(["a", "b", "nowhere"], ASKED),
                          "driver": rng.integers(0, DRIVERS + 5, ASKED), "event_timestamp": instants(rng, ASKED)})
    asked = pd.concat([asked, asked.iloc[:50]], ignore_index=True)
    yield platform, frames, asked
    platform.stop_all()


def stream(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def ask(platform, body, sent, wanted, query="", status=200):
    path = PATH + (f"?features={','.join(FEATURES)}{query}" if sent != JSON else "")
    answer = platform.call("feature-store", "POST", path, data=body, headers={"Content-Type": sent, "Accept": wanted})
    assert answer.status_code == status, answer.text[:500]
    return answer


def check(table, asked, frames, any_recorded=False):
    assert table.column_names == ["label", "zone", "driver", "event_timestamp", "load", "done", "rating", "busy", "note",
                                  "seen"]
    rows = table.to_pylist()
    assert len(rows) == len(asked)
    loads = expected(asked, frames["zone_load"], ["driver", "zone"], 0, any_recorded)
    done = expected(asked, frames["trips"], ["driver"], TTL_S["trips"], any_recorded)
    found = 0
    for row, given, load, trip in zip(rows, asked.itertuples(), loads, done):
        assert (int(row["label"]), row["zone"], row["driver"]) == (given.label, given.zone, given.driver)
        assert row["event_timestamp"] == given.event_timestamp
        assert row["load"] == (None if load is None else load.load)
        want = [None] * 5 if trip is None else [None if trip.done is pd.NA else trip.done, trip.rating, trip.busy,
                                                trip.note, trip.seen]
        assert [row[c] for c in ("done", "rating", "busy", "note", "seen")] == want, given
        found += trip is not None
    assert len(asked) * 0.3 < found < len(asked) * 0.95


def arrow_of(answer):
    return pa.ipc.open_stream(answer.content).read_all()


@pytest.mark.parametrize("recorded", ["before", "any"])
def test_arrow_in_and_out_is_what_pandas_computes(store, recorded):
    platform, frames, asked = store
    body = stream(pa.Table.from_pandas(asked, preserve_index=False))
    table = arrow_of(ask(platform, body, ARROW, ARROW, f"&recorded={recorded}"))
    assert table.schema.field("busy").type == pa.bool_() and table.schema.field("label").type == pa.int64()
    check(table, asked, frames, recorded == "any")
    rows = duckdb.from_arrow(table).aggregate("count(*) AS n, sum(done) AS done").fetchall()[0]
    assert rows == (len(asked), sum(v for v in table["done"].to_pylist() if v is not None))


def test_json_in(store):
    platform, frames, asked = store
    entities = {c: asked[c].tolist() for c in ("label", "zone", "driver")}
    entities["event_timestamp"] = [t.isoformat() for t in asked.event_timestamp]
    body = json.dumps({"features": FEATURES, "entities": entities})
    check(arrow_of(ask(platform, body, JSON, ARROW)), asked, frames)
    answer = ask(platform, body, JSON, JSON).json()
    frame = pd.DataFrame(**answer)
    assert list(frame.columns)[:4] == ["label", "zone", "driver", "event_timestamp"] and len(frame) == len(asked)


def test_csv_in_and_out(store):
    platform, frames, asked = store
    text = asked.to_csv(index=False)
    check(arrow_of(ask(platform, text.encode(), CSV, ARROW)), asked, frames)
    out = pd.read_csv(io.BytesIO(ask(platform, text.encode(), CSV, CSV).content))
    want = arrow_of(ask(platform, text.encode(), CSV, ARROW))
    assert [None if pd.isna(v) else v for v in out["note"]] == want["note"].to_pylist()
    assert np.array_equal(out["load"], want["load"].to_pandas(), equal_nan=True)


def test_full_names_and_a_clash(store):
    platform, _, asked = store
    body = stream(pa.Table.from_pandas(asked.head(3).rename(columns={"label": "load"}), preserve_index=False))
    ask(platform, body, ARROW, ARROW, status=422)
    table = arrow_of(ask(platform, body, ARROW, ARROW, "&full_feature_names=true"))
    assert table.column_names[4:6] == ["zone_load__load", "trips__done"]


@pytest.mark.parametrize("body, sent, status, words", [
    (b"{", JSON, 400, "not valid JSON"),
    (b'{"features": [], "entities": {"driver": [1], "event_timestamp": ["2026-05-01"]}}', JSON, 422, "features"),
    (b'{"features": ["none:x"], "entities": {"driver": [1], "event_timestamp": ["2026-05-01"]}}', JSON, 404, "none"),
    (b"driver,zone\n1,a\n", CSV, 422, "event_timestamp"),
    (b"driver,zone,event_timestamp\n1,a\n", CSV, 422, "row 0"),
    (b"driver,zone,event_timestamp\nx,a,2026-05-01\n", CSV, 422, "driver[0]"),
    (b"driver,zone,event_timestamp\n", CSV, 422, "no rows"),
    (b"driver,zone,event_timestamp\n\xff,a,2026-05-01\n", CSV, 400, "UTF-8"),
    (b"not arrow at all", ARROW, 400, "Arrow"),
    (b"", ARROW, 400, "Arrow"),
    (b"x", "text/plain", 415, "text/csv"),
    (b"{", "application/x-www-form-urlencoded", 400, "not valid JSON"),
])
def test_bad_bodies_are_refused_in_the_form_of_the_sdk(store, body, sent, status, words):
    platform, _, _ = store
    answer = ask(platform, body, sent, JSON, status=status)
    assert words in json.loads(answer.json())["message"]
