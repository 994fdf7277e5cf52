"""Files and gaps when processes die: what was acknowledged is recorded, once."""
import random
import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from order_events import Sender, order
from platform_under_test import PARTITIONS, Platform, wait_until

LINES = 60000


@pytest.fixture
def ingest(tmp_path):
    platform = Platform(f"backfill_{random.SystemRandom().randrange(10**9)}", tmp_path, RUSHCAST_INGEST_BATCH_EVENTS="2000")
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform
    platform.stop_all()


def job(ingest, number):
    return ingest.json("ingest", f"/backfills/{number}")


def test_a_killed_backfill_goes_on_where_it_was(ingest):
    rng = random.Random(5)
    numbers = [*range(LINES), *rng.sample(range(LINES), LINES // 20)]
    rng.shuffle(numbers)
    lines = [order(n, f"2026-06-01T{n % 24:02}:00:00Z") for n in numbers]
    for n in rng.sample(range(len(lines)), 100):
        lines.insert(n, b"{broken")
    sender = Sender(ingest)
    sender.send((f"o{n}", order(n, f"2026-06-01T{n % 24:02}:00:00Z")) for n in range(0, LINES, 10))
    response = ingest.call("ingest", "POST", "/backfills", data=b"\n".join(lines))
    assert response.status_code == 202
    number = response.json()["id"]
    seen = 0
    for end in (ingest.kill, ingest.stop):  # one whose lease must run out, one that gives its job back
        wait_until("progress", lambda: job(ingest, number)["done"] > seen or job(ingest, number)["state"] == "done")
        end("ingest")
        ingest.start("ingest")
        ingest.wait_ready("ingest")
        seen = job(ingest, number)["done"]
        time.sleep(rng.random())
    done = wait_until("the end", lambda: next((j for j in [job(ingest, number)] if j["state"] == "done"), None))
    ingest.ingested(LINES // 10)
    result = done["result"]
    assert result["dead_letters"] == 100
    assert result["events"] + result["duplicates"] == len(numbers)
    assert ingest.query("SELECT count(*), count(DISTINCT order_id) FROM core.order_event") == [(LINES, LINES)]
    assert ingest.scalar("SELECT sum(orders) FROM core.demand_hourly") == LINES
    assert ingest.scalar("SELECT count(DISTINCT \"offset\") FROM raw.dead_letter") == 100
    assert ingest.scalar("SELECT sum(messages) FROM raw.batch WHERE source = 'backfill'") == len(lines)


def test_a_gap_is_told_and_filled(ingest):
    sender = Sender(ingest)
    sender.send((f"o{n}", order(n)) for n in range(200))
    ingest.ingested(200)
    ingest.stop("ingest")
    sender.send((f"o{n}", order(n, "2026-06-01T18:00:00Z")) for n in range(200, 400))
    read = dict(ingest.query("SELECT partition, next_offset FROM raw.kafka_offset"))
    admin = AdminClient({"bootstrap.servers": ingest.environment["RUSHCAST_KAFKA_BROKERS"]})
    lost = {partition: read[partition] + 5 for partition in range(PARTITIONS - 1)}
    for future in admin.delete_records([TopicPartition(ingest.topic, *item) for item in lost.items()]).values():
        future.result(30)
    ingest.start("ingest")
    ingest.wait_ready("ingest")
    ingest.ingested(400)
    gaps = ingest.json("ingest", "/gaps?state=open")["gaps"]
    assert {gap["partition"]: (gap["from_offset"], gap["to_offset"]) for gap in gaps} == {
        partition: (read[partition], end) for partition, end in lost.items()}
    stream = ingest.json("ingest", "/sources")["sources"][0]
    assert (stream["open_gaps"], stream["lost_messages"]) == (3, 15)
    assert ingest.scalar("SELECT sum(orders) FROM core.demand_hourly") == 385
    wait_until("the metric", lambda: "rushcast_ingest_lost_messages 15" in ingest.get("ingest", "/metrics").text)
    body = b"\n".join(order(n, "2026-06-01T18:00:00Z") for n in range(200, 400))
    response = ingest.call("ingest", "POST", f"/backfills?gap={gaps[0]['id']}", data=body)
    done = wait_until("the end", lambda: next((j for j in [job(ingest, response.json()["id"])] if j["state"] == "done"), None))
    assert done["result"] == {"events": 15, "duplicates": 185, "dead_letters": 0}
    assert ingest.scalar("SELECT sum(orders) FROM core.demand_hourly") == 400
    filled = ingest.json("ingest", "/gaps?state=filled")["gaps"]
    assert [(gap["id"], gap["filled_by"]) for gap in filled] == [(gaps[0]["id"], done["id"])]
