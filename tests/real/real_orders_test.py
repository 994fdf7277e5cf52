"""A year of real orders (bike trips with coordinates) from Kafka to the forecast of each of their cells."""
import csv
import datetime as dt
import gzip
import pathlib

import pytest

from platform_under_test import TOP, Platform, wait_until

FILE = TOP.parent / "shared/data/babs2014_events.csv.gz"
ROWS = 326339
FIRST_DEADLINE_S = 600


def start(name, folder, path):
    platform = Platform(name, folder, RUSHCAST_NOW="data")
    platform.start_all()
    platform.command("replay", "--events", path, "--speed", "max", "--shift-to-now")
    platform.ingested(ROWS)
    wait_until("a forecast set that knows all the data", lambda: newest_cutoff(platform) ==
               platform.json("ingest", "/watermark")["complete_hour"], FIRST_DEADLINE_S)
    return platform


def newest_cutoff(platform):
    sets = platform.json("forecast-api", "/forecast-sets?limit=1")["sets"]
    return sets[0]["cutoff"] if sets and sets[0]["published_at"] else None


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = start("real_orders", tmp_path_factory.mktemp("real"), FILE)
    yield platform
    platform.stop_all()


def demand_total(platform):
    return platform.scalar("SELECT sum(orders) FROM core.demand_hourly")


def cells(platform):
    return [g["geo"] for g in platform.json("ingest", "/geos?limit=1000")["geos"] if g["kind"] == "cell"]


def week_ahead(platform, geo):
    answer = platform.json("forecast-api", f"/forecast?geo={geo}&hours=168")
    assert len(answer["forecast"]) == 168
    return answer


def test_every_order_once_and_the_cells_add_up(platform):
    assert platform.scalar("SELECT count(*) FROM core.order_event WHERE event_type = 'order_created'") == ROWS
    assert demand_total(platform) == ROWS
    platform.command("replay", "--events", FILE, "--speed", "max", "--shift-to-now")
    platform.ingested(2 * ROWS)
    assert platform.scalar("SELECT count(*) FROM core.order_event") == ROWS
    assert demand_total(platform) == ROWS


def test_each_cell_answers_a_fresh_week(platform):
    assert len(cells(platform)) > 10
    for geo in cells(platform):
        answer = week_ahead(platform, geo)
        assert answer["quality"] == "fresh", (geo, answer["quality"], answer["reason"])


def test_a_cell_with_doubled_recent_events_forecasts_more(platform, tmp_path):
    """The same year with the last four weeks' events of the busiest cell sent twice under other ids."""
    geo, lat, lon = platform.query("""
        SELECT g.geo, g.lat, g.lon FROM warehouse.demand_hourly AS d JOIN warehouse.geo AS g USING (geo)
        WHERE g.kind = 'cell' GROUP BY g.geo, g.lat, g.lon ORDER BY sum(d.orders) DESC LIMIT 1""")[0]
    with gzip.open(FILE, "rt", newline="") as source:
        rows = list(csv.reader(source))
    header, rows = rows[0], rows[1:]
    at, by_lat, by_lon = header.index("ts_utc"), header.index("lat"), header.index("lon")
    recent = dt.datetime.fromisoformat(max(r[at] for r in rows)) - dt.timedelta(weeks=4)
    near = [r for r in rows if abs(float(r[by_lat]) - lat) < 0.01 and abs(float(r[by_lon]) - lon) < 0.01 and
            dt.datetime.fromisoformat(r[at]) > recent]
    assert len(near) > 100
    path = tmp_path / "doubled.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows(rows)
        writer.writerows([f"again-{r[0]}", *r[1:]] for r in near)
    before = sum(h["mean"] for h in week_ahead(platform, geo)["forecast"])
    (tmp_path / "platform").mkdir()
    doubled = start("real_doubled", tmp_path / "platform", path)
    try:
        after = sum(h["mean"] for h in week_ahead(doubled, geo)["forecast"])
    finally:
        doubled.stop_all()
    assert after > 1.3 * before
