"""Orders through Kafka to an answer for dispatch."""
import collections
import csv
import datetime as dt
import io

import pytest

from platform_under_test import wait_until

HOUR = dt.timedelta(hours=1)
FIELDS = {"geo", "geo_version", "timezone", "issued_at", "cutoff", "set", "revision", "model", "quality", "reason", "hours",
          "forecast"}
HOUR_FIELDS = {"hour", "hour_local", "mean", "p10", "p50", "p90", "couriers", "override"}


def instant(text):
    return dt.datetime.fromisoformat(text)


def leaf_geos(platform):
    return [g for g in platform.json("forecast-api", "/geos?limit=1000")["geos"] if g["kind"] in ("cell", "zone")]


def demand(platform, query):
    response = platform.get("ingest", "/demand?" + query, headers={"Accept": "text/csv"})
    assert response.status_code == 200, response.text
    return [(r["geo"], r["hour_utc"], int(r["count"])) for r in csv.DictReader(io.StringIO(response.text))]


def span(rows):
    first, last = min(r[1] for r in rows), max(r[1] for r in rows)
    end = instant(last).replace(minute=0, second=0) + HOUR
    return f"from={first[:13]}:00:00Z&to={end:%Y-%m-%dT%H:00:00Z}"


def test_every_order_is_in_the_warehouse_once(platform, event_file):
    _, rows = event_file
    assert platform.scalar("SELECT count(*) FROM core.order_event WHERE event_type = 'order_created'") == len(rows)
    assert platform.json("ingest", "/watermark")["orders"] == len(rows)


def test_hourly_demand_per_geo_adds_up_to_the_orders(platform, event_file):
    _, rows = event_file
    by_hour = collections.Counter(r[1][:13] for r in rows)
    got = collections.Counter()
    for _, hour, count in demand(platform, span(rows)):
        got[hour[:13]] += count
    assert {h: c for h, c in got.items() if c} == dict(by_hour)


def test_replaying_the_file_again_changes_nothing(platform, event_file):
    path, rows = event_file
    before = demand(platform, span(rows))
    taken = platform.taken()
    platform.command("replay", "--events", path)
    platform.ingested(taken + len(rows))
    assert platform.scalar("SELECT count(*) FROM core.order_event") == len(rows)
    assert demand(platform, span(rows)) == before


def test_a_replay_that_was_completed_is_not_begun_again(platform, event_file, tmp_path):
    path, state = event_file[0], tmp_path / "replay.state"
    replay = ("replay", "--events", path, "--state", state)
    assert "acknowledged by Kafka" in platform.command(*replay)
    assert state.read_text() == "shift 0 done\n"
    assert platform.command(*replay) == ""
    state.write_text("shift 0 begun\n")
    assert "acknowledged by Kafka" in platform.command(*replay)


def test_changes_since_zero_are_the_whole_demand(platform, event_file):
    _, rows = event_file
    counts, cursor, more = {}, 0, True
    while more:
        page = platform.json("ingest", f"/demand?changed_since={cursor}&limit=5000")
        for change in page["changes"]:
            counts[change["geo"], change["hour"], change["vertical"]] = change["count"]
        cursor, more = page["cursor"], page["more"]
    assert sum(counts.values()) == len(rows)
    assert platform.json("ingest", f"/demand?changed_since={cursor}")["changes"] == []


def test_each_geo_answers_168_complete_fresh_hours(platform):
    geos = leaf_geos(platform)
    assert len(geos) == 6
    watermark = instant(platform.json("ingest", "/watermark")["watermark"])
    for geo in [g["geo"] for g in geos] + ["all"]:
        answer = platform.json("forecast-api", f"/forecast?geo={geo}&hours=168")
        assert set(answer) >= FIELDS and answer["geo"] == geo
        assert (answer["quality"], answer["reason"], answer["hours"]) == ("fresh", None, 168)
        hours = [instant(h["hour"]) for h in answer["forecast"]]
        assert hours[0] == watermark.replace(minute=0, second=0, microsecond=0) + HOUR
        assert hours == [hours[0] + i * HOUR for i in range(168)]
        for item in answer["forecast"]:
            assert set(item) == HOUR_FIELDS and item["override"] is None
            assert 0 <= item["p10"] <= item["p50"] <= item["p90"] and item["mean"] >= 0
            assert instant(item["hour_local"]) == instant(item["hour"])


def test_the_time_zone_follows_from_the_place(platform):
    assert {g["timezone"] for g in leaf_geos(platform)} == {"America/Los_Angeles"}
    answer = platform.json("forecast-api", "/forecast?geo=all&hours=1")
    assert answer["forecast"][0]["hour"].endswith("Z")


def test_means_follow_the_pattern_of_the_orders(platform, event_file):
    """The week forecast for all is near the last week's total, and evenings are busier than nights."""
    _, rows = event_file
    last = max(instant(r[1]) for r in rows)
    recent = sum(instant(r[1]) > last - 168 * HOUR for r in rows)
    answer = platform.json("forecast-api", "/forecast?geo=all&hours=168")
    assert sum(h["mean"] for h in answer["forecast"]) == pytest.approx(recent, rel=0.25)
    by_local = collections.defaultdict(float)
    for item in platform.json("forecast-api", f"/forecast?geo={leaf_geos(platform)[0]['geo']}")["forecast"]:
        by_local[instant(item["hour_local"]).hour] += item["mean"]
    assert by_local[19] > 3 * by_local[3]


def test_coordinates_find_their_geo(platform):
    geo = leaf_geos(platform)[0]
    answer = platform.json("forecast-api", f"/forecast?lat={geo['lat']}&lon={geo['lon']}&hours=24")
    assert answer["geo"] == geo["geo"] and len(answer["forecast"]) == 24


def test_an_unchanged_forecast_is_not_sent_twice(platform):
    first = platform.get("forecast-api", "/forecast?geo=all")
    assert platform.get("forecast-api", "/forecast?geo=all",
                        headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("query, status, words", [
    ("geo=nowhere", 404, "/geos"), ("geo=all&hours=0", 400, "hours"), ("geo=all&hours=169", 400, "hours"),
    ("geo=all&hours=x", 400, "hours"), ("", 400, "geo"), ("lat=91&lon=0", 400, "lat"),
    ("geo=all&vertical=pets", 400, "vertical")])
def test_bad_questions_get_an_answer_that_helps(platform, query, status, words):
    response = platform.get("forecast-api", "/forecast?" + query)
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_features_online_equal_the_warehouse(platform, event_file):
    geo = leaf_geos(platform)[0]["geo"]
    complete = instant(platform.json("ingest", "/watermark")["complete_hour"])
    start = complete - 23 * HOUR
    query = f"geo={geo}&from={start:%Y-%m-%dT%H:00:00Z}&to={complete + HOUR:%Y-%m-%dT%H:00:00Z}"
    expected = sum(count for _, _, count in demand(platform, query))

    def online():
        answer = platform.call("feature-store", "POST", "/get-online-features",
                               json={"entities": {"geo": [geo]}, "features": ["geo_demand:orders_24h"]}).json()
        names = answer["metadata"]["feature_names"]
        result = answer["results"][names.index("orders_24h")]
        return result["statuses"] == ["PRESENT"] and result["values"] == [expected]

    wait_until(f"orders_24h of {geo} to be {expected} online", online, 30)


def test_the_export_is_the_demand(platform, event_file):
    _, rows = event_file
    wait_until("the export to add up to the orders", lambda: sum(
        int(float(r["orders"])) for r in csv.DictReader(io.StringIO(platform.get(
            "feature-store", "/feature-views/geo_demand/export?features=orders",
            headers={"Accept": "text/csv"}).text))) >= len(rows) - last_hour_count(rows), 30)


def last_hour_count(rows):
    """Orders of the hour that is not complete yet, which has no features."""
    last = max(r[1] for r in rows)[:13]
    return sum(r[1][:13] == last for r in rows)


def test_served_numbers_are_those_of_the_backtest(platform, tmp_path):
    """From the same demand at the same cutoff; the file goes on after the cutoff, which must not matter."""
    state = platform.json("ingest", "/watermark")
    first, cutoff = instant(state["first_hour"]), instant(state["complete_hour"])
    wait_until("the trained set", lambda: platform.json("trainer", "/runs?limit=1")["runs"][0]["status"] == "succeeded")
    history, out = tmp_path / "history.csv", tmp_path / "forecasts.csv"
    with history.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["geo", "hour_utc", "count"])
        writer.writerows(demand(platform, f"from={first:%Y-%m-%dT%H:%M:%SZ}&to={cutoff + HOUR:%Y-%m-%dT%H:%M:%SZ}"))
        writer.writerows([geo["geo"], f"{cutoff + lead * HOUR:%Y-%m-%dT%H:%M:%SZ}", 7]
                         for geo in leaf_geos(platform) for lead in range(1, 169))
    platform.command("backtest", "--history", history, "--cutoffs", 1, "--timezone", "America/Los_Angeles", "--forecasts",
                     out)
    expected = {(r["geo"], instant(r["hour_utc"])): [float(r[q]) for q in ("mean", "p10", "p50", "p90")]
                for r in csv.DictReader(out.open())}
    compared = 0
    for geo in leaf_geos(platform):
        answer = platform.json("forecast-api", f"/forecast?geo={geo['geo']}")
        assert instant(answer["cutoff"]) == cutoff
        for item in answer["forecast"]:
            key = geo["geo"], instant(item["hour"])
            if key in expected:
                assert [item[q] for q in ("mean", "p10", "p50", "p90")] == pytest.approx(expected[key], abs=1e-9), (
                    key, answer["set"], answer["model"])
                compared += 1
    assert compared >= 6 * 160


def test_the_program_shows_status_and_forecast(platform):
    status = platform.command("status")
    assert "orders in the warehouse" in status and "not ready" not in status
    shown = platform.command("forecast", "--geo", "all", "--hours", "48")
    assert "p10 to p90" in shown and len([line for line in shown.splitlines() if "T" in line[:30]]) >= 48
    assert "GET /geos" in platform.command("forecast", "--geo", "nowhere", status=1)


def test_each_service_documents_itself(platform):
    for service in ("ingest", "feature-store", "forecast-api", "trainer"):
        assert platform.get(service, "/readyz").status_code == 200
        metrics = platform.get(service, "/metrics").text
        assert "rushcast_http_requests_total" in metrics
