"""Bad input and servers that die: nothing is lost, nothing is counted twice."""
import json
import random
import time

import pytest

from order_events import Sender, order
from platform_under_test import Platform, wait_until

BAD = {
    b'{"event_id": "cut off': None,
    b"\xff\xfe not even text": None,
    b"[]": None,
    json.dumps({"event_id": "1", "event_type": "order_created", "order_id": "1"}).encode(): "occurred_at",
    json.dumps({"event_id": "2", "event_type": "order_eaten", "order_id": "2", "occurred_at": "2026-06-01T00:00:00Z",
                "branch_id": "B"}).encode(): "event_type",
    json.dumps({"event_id": "3", "event_type": "order_created", "order_id": "3", "occurred_at": "2026-06-01T00:00:00Z",
                "location": {"lat": 99, "lon": 0}}).encode(): "lat",
    json.dumps({"event_id": "4", "event_type": "order_created", "order_id": "4", "occurred_at": "2199-01-01T00:00:00Z",
                "branch_id": "B"}).encode(): "future",
}


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    platform = Platform("faults", tmp_path_factory.mktemp("faults"))
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform
    platform.stop_all()


def test_malformed_events_are_kept_with_their_reason(ingest):
    taken = ingest.taken()
    Sender(ingest).send((f"bad{i}", value) for i, value in enumerate(BAD))
    ingest.ingested(taken + len(BAD))
    kept = {bytes(row[0]): " ".join(row[1:]) for row in ingest.query(
        "SELECT payload, reason, detail, pointer FROM raw.dead_letter")}
    assert set(kept) == set(BAD)
    for value, word in BAD.items():
        assert kept[value] and (word is None or word in kept[value]), (value, kept[value])
    assert len(ingest.json("ingest", "/dead-letters")["dead_letters"]) == len(BAD)
    assert ingest.scalar("SELECT count(*) FROM core.order_event") == 0


def test_posted_events_go_through_kafka(ingest):
    before = ingest.json("ingest", "/watermark")["orders"]
    event = json.loads(order("posted"))
    assert ingest.call("ingest", "POST", "/events", json=event).status_code == 202
    wait_until("the posted order", lambda: ingest.json("ingest", "/watermark")["orders"] == before + 1)
    refused = ingest.call("ingest", "POST", "/events", json={**event, "occurred_at": "yesterday"})
    assert refused.status_code == 422 and "occurred_at" in refused.text


def test_killed_ingest_counts_exactly(ingest):
    """5% duplicates, in any order, and kill -9 in the middle, again and again."""
    orders, rng = 20000, random.Random(3)
    numbers = list(range(orders)) + rng.sample(range(orders), orders // 20)
    rng.shuffle(numbers)
    before = ingest.scalar("SELECT count(*) FROM core.order_event")
    taken, sender, chunk = ingest.taken(), Sender(ingest), len(numbers) // 5
    for start in range(0, len(numbers), chunk):
        sender.send((f"o{n}", order(n, f"2026-06-01T{n % 24:02}:00:00Z", f"e{n}-{i}"))
                    for i, n in enumerate(numbers[start:start + chunk]))
        time.sleep(rng.random() * 0.5)
        ingest.kill("ingest")
        ingest.start("ingest")
        ingest.wait_ready("ingest")
    ingest.ingested(taken + len(numbers))
    assert ingest.scalar("SELECT count(*) FROM core.order_event") == before + orders
    assert ingest.scalar("SELECT sum(orders) FROM core.demand_hourly") == before + orders
    assert ingest.json("ingest", "/watermark")["orders"] == before + orders


def test_a_service_without_its_servers_says_so_and_comes_back(tmp_path_factory):
    platform = Platform("alone", tmp_path_factory.mktemp("alone"))
    address = platform.environment["RUSHCAST_POSTGRES"]
    platform.environment["RUSHCAST_POSTGRES"] = "host=127.0.0.1 port=1 user=rushcast dbname=none"
    for service in ("ingest", "feature-store", "forecast-api", "trainer"):
        platform.start(service)
        response = platform.get(service, "/readyz")
        assert response.status_code == 503
        assert any("ostgres" in item["name"] + item["problem"] for item in response.json()["waiting_for"]), response.text
        assert platform.stop(service) == 0
    platform.environment["RUSHCAST_POSTGRES"] = address
    platform.start("ingest")
    platform.wait_ready("ingest")
    platform.stop_all()
