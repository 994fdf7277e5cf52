import csv
import datetime as dt
import gzip
import math
import random

import pytest

from platform_under_test import Platform

UTC = dt.timezone.utc
PLACES = [(37.7749, -122.4194), (37.3382, -121.8863), (37.4419, -122.1430), (37.4852, -122.2364), (37.8044, -122.2712),
          (37.6879, -122.4702)]
WEEKS = 6
END = dt.datetime(2026, 6, 15, 5, 0, tzinfo=UTC)


def expected_orders(place, hour):
    """A daily and weekly pattern; each place busier than the next."""
    local = (hour.hour - 7) % 24
    shape = 0.2 + 2 * math.exp(-((local - 12.5) ** 2) / 6) + 3 * math.exp(-((local - 19.5) ** 2) / 8)
    return shape * (1.3 if hour.weekday() >= 4 else 0.9) * 2.5 / (1 + place)


@pytest.fixture(scope="session")
def event_file(tmp_path_factory):
    """Orders of six weeks in six places: (path, rows as (event_id, ts, lat, lon))."""
    rng, rows = random.Random(7), []
    for i in range(WEEKS * 168):
        hour = END - dt.timedelta(hours=WEEKS * 168 - i)
        for place, (lat, lon) in enumerate(PLACES):
            mean = expected_orders(place, hour)
            for _ in range(max(0, round(rng.gauss(mean, math.sqrt(mean))))):
                at = hour + dt.timedelta(seconds=rng.randrange(3600))
                rows.append([f"e{len(rows)}", at.strftime("%Y-%m-%dT%H:%M:%SZ"), lat, lon])
    path = tmp_path_factory.mktemp("events") / "orders.csv.gz"
    with gzip.open(path, "wt", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["event_id", "ts_utc", "geo", "lat", "lon"])
        writer.writerows([event_id, at, "label", lat, lon] for event_id, at, lat, lon in rows)
    return path, rows


@pytest.fixture(scope="session")
def platform(tmp_path_factory, event_file):
    """The services with the event file replayed and a forecast published; "now" is where the data ends."""
    path, rows = event_file
    platform = Platform("main_job", tmp_path_factory.mktemp("platform"), RUSHCAST_NOW="data")
    platform.start_all()
    platform.command("replay", "--events", path)
    platform.ingested(len(rows))
    for service in ("forecast-api", "trainer", "feature-store", "ingest"):
        platform.wait_ready(service)
    yield platform
    platform.stop_all()
