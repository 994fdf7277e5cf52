"""Servers that die or hang while orders flow: the services say so and come back by themselves, and nothing is lost or
counted twice. RUSHCAST_FAULT_EVENTS is how many orders flow in all."""
import json
import os
import random
import threading
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from order_events import Sender, order
from own_servers import OwnServers
from platform_under_test import PARTITIONS, PATIENCE, Platform, wait_until

EVENTS = int(os.environ.get("RUSHCAST_FAULT_EVENTS", 8000))
FAULTS = 4
BURSTS = 20
PAUSE_S = 0.1
HALT_S = 10
RETURN_DEADLINE_S = 60


class Flow(threading.Thread):
    """Sends a share of the orders in bursts, one in twenty twice."""

    def __init__(self, platform, first, count):
        super().__init__(daemon=True)
        numbers = [*range(first, first + count), *random.Random(first).sample(range(first, first + count), count // 20)]
        random.Random(first).shuffle(numbers)
        self.platform, self.numbers, self.failure = platform, numbers, None

    def run(self):
        try:
            sender, burst = Sender(self.platform), -(-len(self.numbers) // BURSTS)
            for start in range(0, len(self.numbers), burst):
                sender.send(((f"o{n}", order(n, f"2026-06-0{1 + n % 2}T{n % 24:02}:00:00Z"))
                             for n in self.numbers[start:start + burst]), RETURN_DEADLINE_S)
                time.sleep(PAUSE_S)
        except BaseException as failure:  # told to the test's thread
            self.failure = failure

    def finish(self):
        self.join(2 * RETURN_DEADLINE_S * PATIENCE)
        assert not self.is_alive() and self.failure is None, self.failure


class Outage:
    def __init__(self, folder):
        self.servers = OwnServers("outage")
        self.platform = Platform("outage", folder, self.servers.addresses(), RUSHCAST_NOW="data")
        self.sent = 0
        for service in ("ingest", "feature-store"):
            self.platform.start(service)
        for service in ("ingest", "feature-store"):
            self.platform.wait_ready(service)

    def flow(self):
        """Begins the next share of the orders; returns in the middle of it."""
        flow = Flow(self.platform, self.sent, EVENTS // FAULTS)
        self.sent += EVENTS // FAULTS
        flow.start()
        time.sleep(BURSTS * PAUSE_S / 3)
        return flow

    def says_so(self, service, server):
        """Waits until the service's /readyz names the server; its log does too."""
        def waits_for():
            response = self.platform.get(service, "/readyz")
            return response.status_code == 503 and any(
                server in (item["name"] + item["problem"]).lower() for item in response.json()["waiting_for"])
        wait_until(f"{service} to say that {server} is away", waits_for, RETURN_DEADLINE_S)
        lines = [json.loads(line) for line in self.platform.logs[service].read_text().splitlines()]
        assert any(line["level"] in ("warn", "error") and server in json.dumps(line).lower() for line in lines)

    def comes_back(self, *services):
        for service in services:
            wait_until(f"{service} to be ready again", lambda: self.platform.get(
                service, "/readyz").status_code == 200, RETURN_DEADLINE_S)

    def messages_in_topic(self):
        consumer = Consumer({"bootstrap.servers": self.platform.environment["RUSHCAST_KAFKA_BROKERS"], "group.id": "test"})
        ends = [consumer.get_watermark_offsets(TopicPartition(self.platform.topic, p), 10)[1] for p in range(PARTITIONS)]
        consumer.close()
        return sum(ends)

    def check_counts(self):
        platform, messages = self.platform, self.messages_in_topic()
        assert messages >= self.sent
        platform.ingested(messages)
        assert platform.scalar("SELECT count(*) FROM core.order_event") == self.sent
        assert platform.scalar("SELECT sum(orders) FROM core.demand_hourly") == self.sent
        assert platform.scalar("SELECT sum(messages) FROM raw.batch") == messages
        assert platform.json("ingest", "/watermark")["orders"] == self.sent

    def check_online_features(self):
        """The newest values of the geo are those of the warehouse."""
        geo = self.platform.scalar("SELECT geo FROM core.geo WHERE kind = 'cell'")
        complete = self.platform.json("ingest", "/watermark")["complete_hour"]
        expected = self.platform.scalar(
            "SELECT sum(orders) FROM core.demand_hourly WHERE hour_utc > %s::timestamptz - interval '24 hours' "
            "AND hour_utc <= %s", complete, complete)

        def online():
            response = self.platform.call("feature-store", "POST", "/get-online-features", json={
                "entities": {"geo": [geo]}, "features": ["geo_demand:orders_24h"]})
            if response.status_code != 200:
                return False
            answer = response.json()
            return answer["results"][answer["metadata"]["feature_names"].index("orders_24h")]["values"] == [expected]
        wait_until(f"orders_24h of {geo} to be {expected} online", online, RETURN_DEADLINE_S)


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    outage = Outage(tmp_path_factory.mktemp("outage"))
    yield outage
    outage.platform.stop_all()
    outage.servers.stop_all()


def test_killed_postgres(outage):
    flow = outage.flow()
    outage.servers.kill("postgres")
    for service in ("ingest", "feature-store"):
        outage.says_so(service, "postgres")
    outage.servers.start("postgres")
    outage.comes_back("ingest", "feature-store")
    flow.finish()
    outage.check_counts()
    outage.check_online_features()


def test_killed_kafka(outage):
    flow = outage.flow()
    outage.servers.kill("kafka")
    outage.says_so("ingest", "kafka")
    outage.servers.start("kafka")
    outage.comes_back("ingest")
    flow.finish()
    outage.check_counts()


def test_hanging_postgres(outage):
    flow = outage.flow()
    resume = outage.servers.halt("postgres")
    end = time.monotonic() + HALT_S
    while time.monotonic() < end:
        for service in ("ingest", "feature-store"):
            began = time.monotonic()
            outage.platform.get(service, "/readyz")
            assert time.monotonic() - began < 2 * PATIENCE, f"/readyz of {service} hangs with Postgres"
        time.sleep(1)
    resume()
    outage.comes_back("ingest", "feature-store")
    flow.finish()
    outage.check_counts()


def test_redis_that_comes_back_empty(outage):
    flow = outage.flow()
    outage.servers.kill("redis")
    outage.says_so("feature-store", "redis")
    outage.servers.start("redis")
    outage.comes_back("feature-store")
    flow.finish()
    outage.check_counts()
    outage.check_online_features()
