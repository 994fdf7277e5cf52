"""What is said of the history's quality, beside the numbers and on its own; the data dictionary; retention."""
import datetime as dt
import re

import pytest
import yaml

from contract import TOP
from order_events import Sender, order
from platform_under_test import Platform, wait_until

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
OUTAGE = NOW - 30 * HOUR  # two hours without an order begin here
ALERTS = TOP / "deploy/prometheus/ingest-alerts.yaml"


def text(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def late_orders():
    return [order(f"late{i}", at=text(OUTAGE + dt.timedelta(minutes=2 * i))) for i in range(60)]


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    """Five weeks of twenty orders an hour up to three hours ago, with an outage."""
    platform = Platform("quality", tmp_path_factory.mktemp("quality"))
    platform.start("ingest")
    platform.wait_ready("ingest")
    hours = [NOW - i * HOUR for i in range(3, 35 * 24)]
    orders = [order(f"{text(hour)}-{i}", at=text(hour + dt.timedelta(minutes=3 * i))) for hour in reversed(hours)
              if not OUTAGE <= hour < OUTAGE + 2 * HOUR for i in range(20)]
    sender = Sender(platform)
    sender.send((None, value) for value in orders)
    sender.send([("bad", b"junk")])
    platform.ingested(len(orders) + 1)
    platform.orders = len(orders)
    yield platform
    platform.stop_all()


def check(platform, **body):
    response = platform.call("ingest", "POST", "/quality/checks", json=body)
    assert response.status_code == 202, response.text
    job = wait_until("the checks", lambda: ended(platform, response.headers["Location"]))
    assert job["state"] == "done", job
    return job


def ended(platform, path):
    job = platform.json("ingest", path)
    return job if job["state"] in ("done", "failed") else None


def demand(platform, start, end, **options):
    return platform.get("ingest", f"/demand?geo=all&from={text(start)}&to={text(end)}", **options)


def gaps(platform):
    return [g for g in platform.json("ingest", "/quality")["gaps"] if g["geo"] == "all"]


def test_a_gap_is_found_and_said_beside_the_numbers_until_the_orders_come(ingest):
    check(ingest)
    found = gaps(ingest)
    assert [(g["from"], g["to"], g["orders"], g["expected"]) for g in found] == [
        (text(OUTAGE), text(OUTAGE + 2 * HOUR), 0, 40)]
    assert found[0]["resolved_at"] is None and found[0]["log10_probability"] < -6
    quality = demand(ingest, OUTAGE - HOUR, OUTAGE + HOUR).json()["quality"]
    assert quality == {"state": "incomplete", "reasons": ["gap"]}
    for media_type in ("text/csv", "application/vnd.apache.arrow.stream"):
        answer = demand(ingest, OUTAGE, OUTAGE + HOUR, headers={"Accept": media_type})
        assert answer.headers["Rushcast-Quality"] == 'incomplete;reasons="gap"'
    assert demand(ingest, OUTAGE - 2 * HOUR, OUTAGE).json()["quality"] == {"state": "ok", "reasons": []}
    assert "gap" in ingest.json("ingest", "/watermark")["quality"]["reasons"]

    Sender(ingest).send((None, value) for value in late_orders())
    ingest.ingested(ingest.orders + 61)
    check(ingest)
    assert gaps(ingest)[0]["resolved_at"] is not None
    assert demand(ingest, OUTAGE - HOUR, OUTAGE + HOUR).json()["quality"]["reasons"] == []


def test_a_silent_stream_is_late(ingest):
    sources = {s["source"]: s for s in ingest.json("ingest", "/quality")["sources"]}
    assert sources["kafka"]["state"] == "late" and sources["kafka"]["age_s"] > 7200 and sources["kafka"]["lag"] == 0
    assert sources["company-sql"]["state"] == sources["company-documents"]["state"] == "unknown"
    assert demand(ingest, NOW - 5 * HOUR, NOW).json()["quality"] == {"state": "late", "reasons": ["orders_late"]}
    assert ingest.json("ingest", "/watermark")["quality"]["state"] == "late"
    assert ingest.json("ingest", "/quality")["state"] == "late"


def test_every_finished_day_adds_up(ingest):
    wait_until("all days to be compared", lambda: len(
        [r for r in ingest.json("ingest", "/quality")["reconciliation"] if r["source"] == "demand"]) >= 31)
    report = ingest.json("ingest", "/quality")
    assert {r["state"] for r in report["reconciliation"]} == {"ok"}
    assert report["rules_behind"] == 0
    assert {r["failed_rows"] for r in report["rules"]} == {0}
    assert all(r["checked_rows"] > 0 for r in report["rules"])
    assert report["dead_letters"] == [{"day": dt.datetime.now(UTC).strftime("%Y-%m-%d"), "reason": "not_json",
                                       "messages": 1}]


def test_a_count_that_was_changed_is_found(ingest):
    day = (NOW - 10 * 24 * HOUR).date()
    ingest.query("UPDATE core.demand_hourly SET orders = orders + 1 WHERE hour_utc = %s RETURNING 1",
                 dt.datetime.combine(day, dt.time(12), UTC))
    for _ in range(3):
        check(ingest, day=str(day))
    report = ingest.json("ingest", "/quality")
    row = next(r for r in report["reconciliation"] if r["day"] == str(day) and r["source"] == "demand")
    assert (row["state"], row["difference"], row["attempts"]) == ("differs", 1, 3)
    assert f"{day}T12:00:00Z" in row["detail"]
    assert report["state"] == "wrong"
    start = dt.datetime.combine(day, dt.time(12), UTC)
    assert demand(ingest, start, start + HOUR).json()["quality"] == {"state": "incomplete", "reasons": ["reconciliation"]}
    ingest.query("UPDATE core.demand_hourly SET orders = orders - 1 WHERE hour_utc = %s RETURNING 1", start)
    check(ingest, day=str(day))
    assert demand(ingest, start, start + HOUR).json()["quality"]["state"] == "ok"


@pytest.mark.parametrize("body, words", [
    ({"day": "2199-01-01"}, "over"), ({"day": "2026-06-01T05:00:00Z"}, "midnight"), ({"day": "yesterday"}, "day")])
def test_checks_are_of_days_that_are_over(ingest, body, words):
    response = ingest.call("ingest", "POST", "/quality/checks", json=body)
    assert response.status_code == 422 and words in response.json()["detail"]


def test_findings_can_be_asked_for_from_an_instant_on(ingest):
    report = ingest.json("ingest", f"/quality?since={text(NOW + 24 * HOUR)}")
    assert report["gaps"] == report["dead_letters"] == report["reconciliation"] == []
    assert ingest.get("ingest", "/quality?since=yesterday").status_code == 400


def test_the_quarantine_can_be_listed(ingest):
    assert ingest.json("ingest", "/quarantine?entity=product&resolved=false")["quarantine"] == []
    assert ingest.get("ingest", "/quarantine?resolved=perhaps").status_code == 400


def test_the_catalog_describes_every_column(ingest):
    schemas = {s["name"]: s for s in ingest.json("ingest", "/catalog")["schemas"]}
    assert {"raw", "core", "warehouse", "quality"} <= set(schemas)
    for schema in schemas.values():
        for table in schema["tables"]:
            assert table["description"] and all(c["description"] for c in table["columns"]), table["name"]
    payload = next(t for t in schemas["raw"]["tables"] if t["name"] == "batch_payload")
    assert payload["retention"] == {"days": 400, "what": "whole days", "setting": "RUSHCAST_RAW_RETENTION_DAYS"}
    one = ingest.json("ingest", "/catalog?schema=core&table=geo")["schemas"][0]["tables"]
    assert [t["name"] for t in one] == ["geo"]
    assert ingest.get("ingest", "/catalog?table=none").status_code == 404


def test_alerts_are_about_metrics_that_there_are(ingest):
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert len({r["alert"] for r in rules}) == len(rules) >= 8
    exported = set(re.findall(r"^(rushcast_\w+)", ingest.get("ingest", "/metrics").text, re.M))
    headings = {"-".join(re.findall(r"[a-z0-9]+", line.lower().replace("'", "")))
                for line in (TOP / "docs/quality.md").read_text().splitlines() if line.startswith("#")}
    for rule in rules:
        names = re.findall(r"rushcast_\w+", rule["expr"])
        assert names and set(names) <= exported, rule["expr"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        page, heading = rule["annotations"]["runbook"].split("#")
        assert page == "docs/quality.md" and heading in headings, heading


def test_metrics_say_what_the_report_says(ingest):
    def late():
        return 'rushcast_quality_source_late{source="kafka"} 1' in ingest.get("ingest", "/metrics").text
    wait_until("the metrics", late, 60)


def test_old_payloads_are_dropped_by_a_service_that_runs(ingest):
    old = dt.datetime.now(UTC).date() - dt.timedelta(days=500)
    ingest.query("SELECT raw.ensure_payload_partitions(%s, %s)", old, old)
    ingest.stop("ingest")
    ingest.start("ingest")
    wait_until("the partition to be gone", lambda: ingest.scalar(
        "SELECT to_regclass(%s) IS NULL", f"raw.batch_payload_{old:%Y%m%d}"))
    assert '"retention.dropped"' in ingest.logs["ingest"].read_text()
