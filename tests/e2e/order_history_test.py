"""The history of orders beyond the stream's straight way: files, dead letters tried again, counts as they were, drift."""
import gzip
import json

import pytest

from order_events import Sender, order
from platform_under_test import Platform, wait_until

HOURS = "from=2026-06-01T00:00:00Z&to=2026-06-02T00:00:00Z"


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    platform = Platform("history", tmp_path_factory.mktemp("history"))
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform
    platform.stop_all()


def send(ingest, *values):
    taken = ingest.taken()
    Sender(ingest).send((f"key{i}", value) for i, value in enumerate(values))
    ingest.ingested(taken + len(values))


def finished(ingest, path):
    job = wait_until(f"{path} to end", lambda: next(
        (job for job in [ingest.json("ingest", path)] if job["state"] in ("done", "failed")), None))
    assert job["state"] == "done", job
    return job


def backfill(ingest, body, query="", **headers):
    response = ingest.call("ingest", "POST", "/backfills" + query, data=body, headers=headers)
    assert response.status_code == 202, response.text
    return finished(ingest, f"/backfills/{response.json()['id']}")


def demand(ingest, extra=""):
    return sum(row["count"] for row in ingest.json("ingest", f"/demand?geo=all&{HOURS}{extra}")["demand"])


def replay(ingest, **body):
    response = ingest.call("ingest", "POST", "/dead-letters/replay", json=body)
    assert response.status_code == 202, response.text
    return finished(ingest, f"/jobs/{response.json()['id']}")


def test_a_file_counts_once_whatever_the_stream_brought(ingest):
    send(ingest, *(order(n) for n in range(10)), order("late", "2026-06-01T20:00:00Z"))
    lines = [order(n).decode() for n in range(5, 15)]
    lines.insert(3, '{"event_id": "cut off')
    lines.insert(5, "")
    job = backfill(ingest, gzip.compress("\n".join(lines).encode()), **{"Content-Type": "application/gzip"})
    assert job["result"] == {"events": 5, "duplicates": 5, "dead_letters": 1}
    assert job["done"] == job["total"] == len(lines)
    assert demand(ingest) == 16
    dead = ingest.query("SELECT topic, \"offset\", payload FROM raw.dead_letter")
    assert [(topic, line, bytes(payload)) for topic, line, payload in dead] == [
        (f"backfill/{job['id']}", 4, b'{"event_id": "cut off')]
    again = backfill(ingest, "\n".join(lines).encode())
    assert again["result"]["events"] == 0 and demand(ingest) == 16
    wait_until("the files to be gone", lambda: ingest.scalar("SELECT count(*) FROM raw.backfill_chunk") == 0)
    restated = ingest.json("ingest", "/demand/restatements?why=backfill")["restatements"]
    assert [(row["hour"], row["was"], row["is"]) for row in restated] == [("2026-06-01T10:00:00Z", 10, 15)]
    assert ingest.json("ingest", "/backfills")["backfills"][0]["id"] == again["id"]
    assert ingest.get("ingest", "/backfills/99999").status_code == 404


def test_a_csv_file_of_orders(ingest):
    before = demand(ingest)
    body = ("event_id,ts_utc,geo,lat,lon,vertical,total_amount,currency\r\n"
            "c1,2026-06-01T11:00:00Z,label,37.77,-122.42,goods,12.50,USD\r\n"
            "c2,2026-06-01T11:30:00Z,\"a,b\",37.77,-122.42,,,\r\n"
            "c3,yesterday,label,37.77,-122.42,goods,,\r\n"
            "c4,2026-06-01T11:30:00Z,label,north,-122.42,goods,,\r\n")
    job = backfill(ingest, body.encode())
    assert job["parameters"]["format"] == "csv"
    assert job["result"] == {"events": 2, "duplicates": 0, "dead_letters": 2}
    assert demand(ingest) == before + 2
    assert ingest.query("SELECT vertical::text, total_amount::float8, currency, status FROM core.\"order\" WHERE order_id = 'c1'"
                        ) == [("goods", 12.5, "USD", "created")]
    assert set(ingest.query("SELECT reason, pointer FROM raw.dead_letter WHERE topic = %s", f"backfill/{job['id']}")) == {
        ("bad_value", "/occurred_at"), ("wrong_type", "/location/lat")}


@pytest.mark.parametrize("body, status", [(b"", 422), (b"a,b\n1,2\n", 422), (b"\x1f\x8b\x08broken", 400)])
def test_files_that_are_none_are_refused(ingest, body, status):
    response = ingest.call("ingest", "POST", "/backfills", data=body)
    assert response.status_code == status, response.text
    assert ingest.call("ingest", "POST", "/backfills?gap=77", data=order(1)).status_code == 404


def test_the_past_stays_as_it_was(ingest):
    send(ingest, order("a1", "2026-06-01T12:00:00Z"), order("a2", "2026-06-01T22:00:00Z"))
    waiting = {"event_id": "w1", "event_type": "order_created", "order_id": "w1", "occurred_at": "2026-06-01T13:00:00Z",
               "branch_id": "later"}
    send(ingest, json.dumps(waiting).encode())
    as_of = ingest.json("ingest", "/watermark")["as_of"]
    then = {geo: ingest.get("ingest", f"/demand?{geo}{HOURS}&as_of={as_of}").text for geo in ("geo=all&", "")}
    counted = demand(ingest)
    assert demand(ingest, f"&as_of={as_of}") == counted
    send(ingest, order("a3", "2026-06-01T12:00:00Z"),
         order("a4", "2026-06-01T14:00:00Z", location={"lat": -32.94, "lon": -60.65}, branch_id="later"))
    backfill(ingest, order("a5", "2026-06-01T12:30:00Z"))
    assert demand(ingest) == counted + 4, "the waiting order has its place too"
    for geo, text in then.items():
        assert ingest.get("ingest", f"/demand?{geo}{HOURS}&as_of={as_of}").text == text
    answer = ingest.json("ingest", f"/demand?geo=all&{HOURS}")
    assert demand(ingest, f"&as_of={answer['as_of']}") == counted + 4
    assert ingest.get("ingest", f"/demand?{HOURS}&as_of={answer['as_of'] + 1}").status_code == 400
    assert ingest.get("ingest", f"/demand?as_of={as_of}").status_code == 400
    page = ingest.json("ingest", "/demand/restatements?geo=all&from=2026-06-01T12:00:00Z&to=2026-06-01T15:00:00Z&limit=1")
    assert page["more"] and page["restatements"][0]["why"] in ("late_event", "branch_located")
    rest = ingest.json("ingest", f"/demand/restatements?since={page['cursor']}")
    assert not rest["more"] and all(row["as_of"] > page["cursor"] for row in rest["restatements"])
    assert {row["why"] for row in page["restatements"] + rest["restatements"]} >= {"late_event", "branch_located", "backfill"}


def test_unknown_fields_are_kept_and_reported(ingest):
    send(ingest, *(order(f"d{n}", tip=1.5, location={"lat": 37.77, "lon": -122.42, "floor": "2"}) for n in range(3)))
    rows = wait_until("the drift", lambda: {
        row["path"]: row for row in ingest.json("ingest", "/schema-drift?source=orders")["drift"]
        if row["stream"] == ingest.topic})
    assert set(rows) == {"tip", "location.floor"}
    assert rows["tip"]["times"] == 3 and rows["tip"]["kind"] == "unknown_field"
    assert ingest.json("ingest", "/schema-drift?since=2199-01-01T00:00:00Z")["drift"] == []


def test_dead_letters_are_tried_again_by_one_call(ingest):
    replay(ingest)
    bad = [order("future", "2199-01-01T00:00:00Z"), b"not json"]
    send(ingest, *bad)
    before = demand(ingest)
    letters = {row["reason"]: row for row in ingest.json("ingest", "/dead-letters?resolved=false&limit=1000")["dead_letters"]
               if row["topic"] == ingest.topic}
    job = replay(ingest, ids=[row["id"] for row in letters.values()])
    assert (job["result"]["events"], job["result"]["still_bad"]) == (0, 2)
    # What made it bad is mended: here, the clock of whoever sent it.
    ingest.query("UPDATE raw.dead_letter SET payload = convert_to(replace(convert_from(payload, 'UTF8'), '2199-01-01', "
                 "'2026-06-01'), 'UTF8') WHERE reason = 'time_out_of_range' RETURNING 1")
    taken, watermark = ingest.taken(), ingest.json("ingest", "/watermark")["watermark"]
    job = replay(ingest, reason="time_out_of_range")
    assert (job["result"]["events"], job["result"]["still_bad"]) == (1, 0)
    assert replay(ingest, reason="time_out_of_range")["result"]["events"] == 0
    assert demand(ingest) == before + 1
    assert ingest.taken() == taken and ingest.json("ingest", "/watermark")["watermark"] == watermark
    resolved = ingest.json("ingest", "/dead-letters?resolved=true")["dead_letters"]
    assert [row["id"] for row in resolved] == [letters["time_out_of_range"]["id"]]
    assert resolved[0]["attempts"] == 2 and resolved[0]["resolved_batch_id"]
    kept = ingest.json("ingest", "/dead-letters?reason=not_json&resolved=false")["dead_letters"]
    assert letters["not_json"]["id"] in [row["id"] for row in kept]
    assert ingest.call("ingest", "POST", "/dead-letters/replay", json={"raeson": "x"}).status_code == 422


def test_hostile_lines_stop_nothing(ingest):
    deep = b'{"event_id":"x","order_id":"x","event_type":"order_created","occurred_at":' + b"[" * 100 + b"]" * 100 + b"}"
    bad = [b'{"pad":"' + b"x" * (16 << 20) + b'"}', deep, b'{"event_id":"\xff"}', b'{"$where":"1"}', b"[" * 100000,
           order("t", vertical=7), order("u", total={"amount": 1, "currency": "USD"}), b"null", b"\x00\x01"]
    good = order("good-amid", "2026-06-01T15:00:00Z", **{"$set": {"a": 1}, "nest": json.loads("[" * 100 + "]" * 100)})
    job = backfill(ingest, b"\n".join([*bad, good]))
    assert job["result"] == {"events": 1, "duplicates": 0, "dead_letters": len(bad)}
    reasons = dict(ingest.query("SELECT \"offset\", reason FROM raw.dead_letter WHERE topic = %s", f"backfill/{job['id']}"))
    assert reasons[1] == "too_large" and reasons[3] == "not_utf8" and reasons[4] == "field_missing"
    assert ingest.scalar("SELECT max(length(payload)) FROM raw.dead_letter") > 16 << 20
    send(ingest, *(value for value in bad[1:] if len(value) < 1 << 20), order("good-after", "2026-06-01T15:00:00Z"))
    assert ingest.scalar("SELECT count(*) FROM core.order_event WHERE order_id IN ('ogood-amid', 'ogood-after')") == 2
    for value in bad[1:]:
        assert ingest.call("ingest", "POST", "/events", data=value).status_code in (400, 422)
    assert ingest.call("ingest", "POST", "/events", data=bad[0]).status_code == 413


@pytest.mark.parametrize("path", ["/demand?vertcal=goods", "/demand?changed_since=0&geo=all", "/demand/restatements?form=x",
                                  "/gaps?open=true", "/schema-drift?form=x", "/dead-letters?reasons=x", "/jobs?kin=x",
                                  "/backfills?limits=1", "/geos?parent=all"])
def test_a_misspelt_parameter_is_not_taken_for_none(ingest, path):
    response = ingest.get("ingest", path)
    assert response.status_code == 400
    assert path.split("?")[1].split("&")[-1].split("=")[0] in response.json()["detail"]
