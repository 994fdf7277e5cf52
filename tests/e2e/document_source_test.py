"""The company's document database becomes tables of the warehouse, whatever its documents hold and whenever ingest is
killed; orders without coordinates are counted once their branch's document is there."""
import datetime as dt
import json
import os
import random
import threading
import time

import pymongo
import pytest

from order_events import Sender, order
from platform_under_test import Platform, wait_until

RUNNERS = int(os.environ.get("RUSHCAST_DOCUMENTS", 2500))
NAME = "documents"
UTC = dt.timezone.utc


def branch(branch_id, **fields):
    return {"_id": branch_id, "kind": "shop", "city": "Rosario",
            "location": {"type": "Point", "coordinates": [-60.65, -32.94]},
            "opening_hours": [{"weekday": day, "open": "08:00", "close": "22:00"} for day in range(7)],
            "capacity": {"orders_per_hour": 12}, "updated_at": dt.datetime.now(UTC), **fields}


def runner(runner_id, **fields):
    return {"_id": runner_id, "home_geo": "g", "vehicle": {"kind": "car", "plate": "001-0002"},
            "shifts": [{"weekday": 1, "from_hour": 8, "hours": 4}, {"weekday": 2, "from_hour": 9, "hours": 5}],
            "updated_at": dt.datetime.now(UTC), **fields}


def order_of(branch_id, number):
    """An order that says where it comes from only by its branch."""
    fields = json.loads(order(number, branch_id=branch_id))
    del fields["location"]
    return f"o{number}", json.dumps(fields).encode()


class Company:
    def __init__(self, folder):
        uri = os.environ["RUSHCAST_TEST_MONGO"]
        self.database = pymongo.MongoClient(uri)[NAME]
        self.platform = Platform(NAME, folder, RUSHCAST_NOW="data", RUSHCAST_SOURCE_MONGO=uri,
                                 RUSHCAST_SOURCE_MONGO_DATABASE=NAME, RUSHCAST_DOCUMENT_POLL_MS="200")
        self.platform.start("ingest")
        self.platform.wait_ready("ingest")

    def source(self):
        sources = self.platform.json("ingest", "/sources")["sources"]
        return next(source for source in sources if source["name"] == "company-documents")

    def collection(self, name):
        return next(c for c in self.source().get("collections", []) if c["collection"] == name)

    def wait_rows(self, rows, where):
        wait_until(f"{rows} rows in {where}",
                   lambda: self.platform.scalar("SELECT to_regclass('core.runner') IS NOT NULL") and
                   self.platform.scalar(f"SELECT count(*) FROM {where}") == rows, 60)

    def sync(self, **wanted):
        response = self.platform.call("ingest", "POST", "/sources/company-documents/sync", json=wanted)
        assert response.status_code == 202, response.text


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    company = Company(tmp_path_factory.mktemp(NAME))
    yield company
    company.platform.stop_all()


def test_documents_become_tables(company):
    company.database.branches.insert_many([branch("B1"), branch("B2", capacity={}, terrace=True), {"_id": "B3", "kind": 7, "updated_at": dt.datetime.now(UTC)}])
    company.database.runners.insert_many([runner("R1"), runner("R2", rating="4.5")])
    company.wait_rows(3, "core.branch")
    company.wait_rows(2, "core.runner")
    platform = company.platform
    assert platform.query("SELECT kind, city, lat, lon, orders_per_hour FROM core.branch WHERE branch_id = 'B1'") == [
        ("shop", "Rosario", -32.94, -60.65, 12)]
    assert platform.scalar("SELECT extra FROM core.branch WHERE branch_id = 'B2'") == {"terrace": True}
    assert platform.scalar("SELECT count(*) FROM core.branch_opening_hours") == 14
    assert platform.scalar("SELECT count(*) FROM core.runner_shift WHERE runner_id = 'R1'") == 2
    assert platform.scalar("SELECT rating FROM core.runner WHERE runner_id = 'R2'") == 4.5
    assert platform.scalar("SELECT plate FROM personal.runner WHERE runner_id = 'R1'") == "001-0002"
    assert ("terrace", "unknown_field") in platform.query("SELECT path, kind FROM raw.schema_drift WHERE source = "
                                                         "'company-documents'")
    # the first step may still be in its sweep
    wait_until("the source to be read", lambda: company.source()["state"] == "connected")
    source = company.source()
    assert source["problem"] is None and source["mode"] in ("watermark", "change stream")
    assert company.collection("branches")["recorded"] == 3
    assert company.collection("runners")["swept_at"] is not None


def test_orders_wait_for_their_branch(company):
    platform, sender = company.platform, Sender(company.platform)

    def counted():
        return platform.json("ingest", "/watermark")["orders"]
    sender.send(order_of("B9", n) for n in range(10))
    platform.ingested(10)
    assert counted() == 0
    company.database.branches.insert_one(branch("B9"))
    wait_until("the orders of the new branch to be counted", lambda: counted() == 10, 30)
    assert platform.scalar("SELECT source FROM core.branch_location WHERE branch_id = 'B9'") == "documents"
    sender.send(order_of("B9", n) for n in range(10, 20))
    wait_until("later ones to be counted", lambda: counted() == 20, 30)


def test_deletions_are_found_and_too_many_wait(company):
    company.database.branches.insert_many([branch(f"D{n}") for n in range(40)])
    company.wait_rows(44, "core.branch")
    company.database.branches.delete_many({"_id": {"$in": ["D0", "D1"]}})
    company.sync()
    company.wait_rows(42, "core.branch")
    company.database.branches.delete_many({"_id": {"$regex": "^D"}})
    company.sync()
    wait_until("the deletions to wait", lambda: company.collection("branches")["deletes_waiting"] == 38)
    assert "accept_deletes" in company.source()["problem"]
    assert 'rushcast_ingest_document_deletes_waiting{entity="branch"} 38' in company.platform.get(
        "ingest", "/metrics").text
    assert company.platform.scalar("SELECT count(*) FROM core.branch") == 42
    company.sync(accept_deletes=True)
    company.wait_rows(4, "core.branch")
    wait_until("the problem to be over", lambda: company.source()["problem"] is None)


def test_killed_in_the_middle_nothing_is_lost_or_recorded_twice(company):
    platform, rng = company.platform, random.Random(5)

    def fill():
        for first in range(0, RUNNERS, 50):
            company.database.runners.insert_many([runner(f"K{first + n:06}") for n in range(50)])
    filling = threading.Thread(target=fill)
    filling.start()
    for _ in range(3):
        time.sleep(rng.uniform(0.3, 1.5))
        platform.kill("ingest")
        platform.start("ingest")
    filling.join(60)
    assert not filling.is_alive()
    company.wait_rows(RUNNERS, "core.runner WHERE runner_id LIKE 'K%%'")
    assert platform.scalar("SELECT count(*) FROM core.runner_history WHERE runner_id LIKE 'K%%'") == RUNNERS
    assert platform.scalar("SELECT count(*) FROM core.runner_shift WHERE runner_id LIKE 'K%%'") == 2 * RUNNERS
