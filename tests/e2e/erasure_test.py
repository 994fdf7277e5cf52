"""A customer is erased: nothing that the platform keeps says anything of them any more, a replay of the same events
brings nothing back, and all totals stay as they were."""
import datetime as dt
import json
import struct
import urllib.parse

import psycopg
import pyarrow
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from psycopg import sql

from order_events import Sender, order
from platform_under_test import Platform, wait_until

ANA = "ana/ñandú 77%"
PHONE = "+54 341 5550177"
ORDERS = 300
KEPT_IN_KAFKA = dt.timedelta(days=3000)
BATCH_HEADER = struct.Struct("<iqI")


def messages():
    """Orders of three customers in turn, with more than the contract names, and faulty ones of each."""
    for n in range(ORDERS):
        customer = [ANA, "bob", "eve"][n % 3]
        yield f"o{n}", order(n, f"2026-06-0{1 + n % 2}T{n % 24:02}:00:00Z", customer_id=customer, branch_id=f"b{n % 5}",
                             vertical="goods", total={"amount": f"{n}.50", "currency": "ARS"},
                             items=[{"sku": f"s{n}", "name": "empanadas", "quantity": 2, "unit_price": "1.50"}],
                             contact={"id": customer, "phone": PHONE if customer == ANA else "none"})
    for customer, phone in ((ANA, PHONE), ("bob", "none")):
        escaped = "".join(f"\\u{ord(c):04x}" for c in customer)
        yield "faulty", json.dumps({"customer_id": customer, "phone": phone}).encode()
        yield "faulty", json.dumps({"event_id": "x", "customer": {"id": customer, "phone": phone}}, ensure_ascii=False).encode()
        yield "faulty", order("future", "2999-01-01T00:00:00Z", customer_id=customer, phone=phone)
        yield "faulty", f'{{"phone":"{phone}","customer_id":"{escaped}'.encode()
        yield "faulty", f"e1;o1;{customer};{phone}".encode()
        yield "faulty", b"\xff\xfe" + customer.encode() + b" " + phone.encode()


class Everything:
    """All that the database holds, however it is stored."""

    def __init__(self, platform):
        self.platform = platform

    def texts(self):
        """(place, bytes) of each value of each column of each table."""
        with psycopg.connect(self.platform.postgres) as connection:
            columns = connection.execute(
                "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
                " JOIN information_schema.tables USING (table_schema, table_name)"
                " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')").fetchall()
            for schema, table, column, kind in columns:
                shown = sql.Identifier(column) if kind == "bytea" else sql.SQL("{}::text").format(sql.Identifier(column))
                for (value,) in connection.execute(sql.SQL("SELECT {} FROM {}").format(shown, sql.Identifier(schema, table))):
                    if value is not None:
                        yield f"{schema}.{table}.{column}", value if kind == "bytea" else value.encode()
        for _, message in self.originals():
            yield "an original message", message

    def originals(self):
        """(batch, bytes) of each message in the kept payloads."""
        for batch, payload, size in self.platform.query(
                "SELECT batch_id, payload, payload_bytes FROM raw.batch_payload ORDER BY batch_id"):
            raw, at = pyarrow.decompress(payload, size, "zstd", asbytes=True), 0
            while at < len(raw):
                _, _, length = BATCH_HEADER.unpack_from(raw, at)
                at += BATCH_HEADER.size
                yield batch, raw[at:at + length]
                at += length

    def mentioning(self, *words):
        """Places in which one of the words occurs, as it is or escaped."""
        forms = [form for word in words for form in
                 (word.encode(), json.dumps(word)[1:-1].encode(), "".join(f"\\u{ord(c):04x}" for c in word).encode())]
        return sorted({place for place, value in self.texts() if any(form in value for form in forms)})


class Erasure:
    def __init__(self, folder):
        self.platform = Platform("erasure", folder, RUSHCAST_NOW="data")
        self.everything = Everything(self.platform)
        self.messages = list(messages())
        self.sent = 0
        self.limit_kafka()
        self.platform.start("ingest")
        self.platform.wait_ready("ingest")

    def limit_kafka(self):
        retention = ConfigEntry("retention.ms", str(int(KEPT_IN_KAFKA.total_seconds() * 1000)),
                                incremental_operation=AlterConfigOpType.SET)
        topic = ConfigResource(ResourceType.TOPIC, self.platform.topic, incremental_configs=[retention])
        admin = AdminClient({"bootstrap.servers": self.platform.environment["RUSHCAST_KAFKA_BROKERS"]})
        admin.incremental_alter_configs([topic])[topic].result(30)

    def send(self):
        Sender(self.platform).send(self.messages)
        self.sent += len(self.messages)
        self.platform.ingested(self.sent)

    def totals(self):
        """Sums from the tables, and from the original messages."""
        orders, amounts = set(), 0
        for _, message in self.everything.originals():
            try:
                event = json.loads(message)
                if event["event_type"] == "order_created" and event["occurred_at"] < "2999" and event["order_id"] not in orders:
                    orders.add(event["order_id"])
                    amounts += float(event["total"]["amount"])
            except (ValueError, KeyError, TypeError):
                pass  # a faulty one
        return (len(orders), amounts,
                self.platform.query("SELECT geo_id, hour_utc, vertical, orders FROM core.demand_hourly ORDER BY 1, 2, 3"),
                self.platform.query("SELECT count(*), sum(total_amount), count(DISTINCT branch_id) FROM core.order_event"),
                self.platform.json("ingest", "/watermark")["orders"])

    def erase(self, customer, status=202):
        path = f"/customers/{urllib.parse.quote(customer, safe='')}/personal-data"
        response = self.platform.call("ingest", "DELETE", path)
        assert response.status_code == status, response.text
        return response

    def erased(self, customer):
        """The job's result."""
        response = self.erase(customer)
        assert customer not in response.text

        def done():
            job = self.platform.json("ingest", response.headers["Location"])
            assert job["state"] != "failed", job
            return job if job["state"] == "done" else None
        return wait_until("the erasure to be done", done)


@pytest.fixture(scope="module")
def erasure(tmp_path_factory):
    erasure = Erasure(tmp_path_factory.mktemp("erasure"))
    erasure.send()
    yield erasure
    erasure.platform.stop_all()


def test_nothing_of_the_customer_is_left(erasure):
    everything, before = erasure.everything, erasure.totals()
    assert before[0] == ORDERS
    assert everything.mentioning(ANA, PHONE) == ["an original message", "core.order_event.customer_id",
                                                 "raw.dead_letter.payload"]
    bobs = sum(b"bob" in message for _, message in everything.originals())

    job = erasure.erased(ANA)
    assert everything.mentioning(ANA, PHONE) == []
    assert erasure.totals() == before
    assert sum(b"bob" in message for _, message in everything.originals()) == bobs
    assert erasure.platform.scalar("SELECT count(*) FROM core.order_event WHERE customer_id = 'bob'") == ORDERS / 3
    result = job["result"]
    assert result["found"] and result["erased"]["order_events"] == ORDERS / 3
    assert result["erased"]["dead_letters"] == 6 and result["erased"]["raw_messages"] == ORDERS / 3 + 6
    kafka = next(e for e in result["expires"] if erasure.platform.topic in e["where"])
    assert abs(dt.datetime.fromisoformat(kafka["until"]) - dt.datetime.now(dt.timezone.utc) - KEPT_IN_KAFKA) < dt.timedelta(hours=1)
    assert job["done"] == job["total"]


def test_a_replay_brings_nothing_back(erasure):
    before = erasure.totals()
    erasure.send()
    assert erasure.everything.mentioning(ANA, PHONE) == []
    assert erasure.totals() == before
    assert erasure.platform.scalar("SELECT count(*) FROM raw.duplicate_event") == ORDERS


def test_a_process_that_starts_anew_knows_it_too(erasure):
    erasure.platform.stop("ingest")
    erasure.platform.start("ingest")
    erasure.platform.wait_ready("ingest")
    erasure.send()
    assert erasure.everything.mentioning(ANA, PHONE) == []


def test_a_process_that_is_killed_goes_on_with_it(erasure):
    before = erasure.totals()
    erasure.erase("bob")
    erasure.platform.kill("ingest")
    erasure.platform.query("UPDATE raw.job SET lease_until = now() WHERE state = 'running' RETURNING 1")
    erasure.platform.start("ingest")
    erasure.platform.wait_ready("ingest")
    wait_until("the erasure to be done",
               lambda: erasure.platform.scalar("SELECT bool_and(state = 'done') FROM raw.job"))
    assert erasure.everything.mentioning("bob") == []
    assert erasure.totals() == before


def test_an_unknown_customer_is_erased_in_advance(erasure):
    job = erasure.erased("mallory")
    assert not job["result"]["found"] and sum(job["result"]["erased"].values()) == 0
    Sender(erasure.platform).send([("m", order("m", customer_id="mallory"))])
    erasure.sent += 1
    erasure.platform.ingested(erasure.sent)
    assert erasure.everything.mentioning("mallory") == []


def test_an_id_that_cannot_be_one_is_refused(erasure):
    assert erasure.erase("x" * 201, 400).json()["detail"]
    erasure.erase("ñ" * 100)


def test_the_log_does_not_name_them(erasure):
    log = erasure.platform.logs["ingest"].read_text()
    for customer in (ANA, urllib.parse.quote(ANA, safe=""), "mallory"):
        assert customer not in log
