"""Polygon zones: orders are counted in them, and a changed file gives all of history its geos anew while orders flow."""
import json

import pytest

from order_events import Sender, order
from platform_under_test import Platform, wait_until

WEST, MIDDLE, EAST = -62.0, -60.65, -59.0
ORDERS = 400


def feature(zone, west, east):
    ring = [[west, -34], [east, -34], [east, -31], [west, -31], [west, -34]]
    return {"type": "Feature", "properties": {"zone": zone, "name": zone.title(), "timezone": "America/Argentina/Cordoba"},
            "geometry": {"type": "Polygon", "coordinates": [ring]}}


def write(path, *features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zones")
    write(folder / "zones.json", feature("wide", WEST, EAST))
    platform = Platform("zones", folder, RUSHCAST_NOW="data", RUSHCAST_ZONES=str(folder / "zones.json"))
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform, folder / "zones.json"
    platform.stop_all()


def send(platform, first, count):
    Sender(platform).send(((f"o{n}", order(n, f"2026-06-01T{n % 24:02}:00:00Z",
                                               location={"lat": -32.9, "lon": WEST + 0.5 + n % 2 * 2}))
                           for n in range(first, first + count)))


def demand(platform, geo):
    return sum(row["count"] for row in platform.json("ingest", f"/demand?geo={geo}")["demand"])


def recounted(platform):
    """Hours whose count is not what the events give."""
    return platform.scalar("""
        SELECT count(*)
        FROM (SELECT geo_id, date_trunc('hour', occurred_at, 'UTC') AS hour_utc, vertical, count(*) AS n
              FROM core.order_event WHERE event_type = 'order_created' GROUP BY 1, 2, 3) counted
        FULL JOIN core.demand_hourly d USING (geo_id, hour_utc, vertical)
        WHERE coalesce(n, 0) <> coalesce(orders, 0)""")


def test_orders_are_counted_in_their_zone(zones):
    platform, _ = zones
    send(platform, 0, ORDERS)
    platform.ingested(ORDERS)
    assert demand(platform, "wide") == ORDERS
    listed = {geo["geo"]: geo for geo in platform.json("ingest", "/geos")["geos"]}
    assert listed["wide"]["kind"] == "zone" and listed["wide"]["timezone"] == "America/Argentina/Cordoba"
    assert not [geo for geo in listed.values() if geo["kind"] == "cell"]


def test_a_changed_file_divides_history_anew(zones):
    platform, path = zones
    before = platform.json("ingest", "/watermark")["geo_version"]
    assert platform.stop("ingest") == 0
    write(path, feature("west", WEST, MIDDLE), feature("east", MIDDLE, EAST))
    send(platform, ORDERS, ORDERS)
    platform.start("ingest")
    platform.kill("ingest")
    platform.start("ingest")
    platform.wait_ready("ingest")
    send(platform, 2 * ORDERS, ORDERS)
    platform.ingested(3 * ORDERS)
    wait_until("the new division", lambda: platform.json("ingest", "/watermark")["geo_version"] == before + 1)
    send(platform, 3 * ORDERS, ORDERS)
    platform.ingested(4 * ORDERS)
    assert (demand(platform, "west"), demand(platform, "east"), demand(platform, "wide")) == (2 * ORDERS, 2 * ORDERS, 0)
    assert demand(platform, "all") == 4 * ORDERS
    assert recounted(platform) == 0
    wait_until("the job's end", lambda: [job["state"] for job in platform.json("ingest", "/jobs?kind=zones")["jobs"]] ==
               ["done"])


def test_a_bad_file_is_refused_and_the_present_zones_stay(zones):
    platform, path = zones
    good = path.read_text()
    assert platform.stop("ingest") == 0
    bow = feature("bow", 0, 1)
    bow["geometry"]["coordinates"] = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    write(path, bow)
    with pytest.raises(AssertionError, match="ended"):
        platform.start("ingest")
    log = platform.logs["ingest"].read_text()
    assert "feature 0" in log and "bow" in log and "Self-intersection" in log
    platform.processes.pop("ingest").wait()
    path.write_text(good)
    platform.start("ingest")
    platform.wait_ready("ingest")
    assert demand(platform, "west") == 2 * ORDERS
