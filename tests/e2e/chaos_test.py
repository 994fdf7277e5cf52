"""kill -9 of ingest, Postgres and Kafka at random moments while order events flow, some of them twice, late, unusable or
without coordinates, with one or two ingest processes: afterwards every count is exact, in raw, core and demand.
RUSHCAST_FAULT_EVENTS, RUSHCAST_FAULT_KILLS and RUSHCAST_FAULT_SEED choose how many and which."""
import os
import random
import signal
import sys
import threading
import time

import pytest
from confluent_kafka import Producer

import exact_counts
from order_life import OrderLife, Shares
from own_servers import OwnServers, children
from platform_under_test import PATIENCE, Platform, wait_until

EVENTS = int(os.environ.get("RUSHCAST_FAULT_EVENTS", 10_000))
KILLS = int(os.environ.get("RUSHCAST_FAULT_KILLS", 4))
SEED = int(os.environ.get("RUSHCAST_FAULT_SEED", 1))
SHARES = Shares(duplicates=0.05, astray=0.1, late=0.05, malformed=0.01, unplaced=0.05)
VICTIMS = ["ingest", "postgres", "kafka"]
UNTIL = 1_780_000_000
HOURS = 72
AHEAD = max(1000, EVENTS // 20)  # messages sent and not yet recorded
PAUSE_MAX_S = 1.5
RETURN_DEADLINE_S = 120
END_DEADLINE_S = 300 + EVENTS // 1000


class Flow(threading.Thread):
    """Sends the events, not too far ahead of what is recorded; `written` counts what Kafka acknowledged."""

    def __init__(self, platform, messages, recorded):
        super().__init__(daemon=True)
        self.topic, self.messages, self.recorded = platform.topic, messages, recorded
        self.producer = Producer({"bootstrap.servers": platform.environment["RUSHCAST_KAFKA_BROKERS"], "linger.ms": 5,
                                  "enable.idempotence": True, "compression.type": "lz4",
                                  "reconnect.backoff.max.ms": 500, "log_level": 2, "message.timeout.ms": 1000 * END_DEADLINE_S})
        self.written, self.failure, self.may_end = 0, None, threading.Event()

    def delivered(self, error, message):
        if error is not None:
            self.failure = self.failure or f"{message.key()}: {error}"
        else:
            self.written += 1

    def run(self):
        try:
            for number, (key, value) in enumerate(self.messages):
                while number - self.recorded() > AHEAD:
                    self.producer.poll(0.05)
                self.producer.produce(self.topic, value, key, on_delivery=self.delivered)
                self.producer.poll(0)
            left = self.producer.flush(END_DEADLINE_S)
            assert left == 0, f"{left} messages were never written"
        except BaseException as failure:  # told to the test's thread
            self.failure = self.failure or failure


class Chaos:
    def __init__(self, folder):
        print(f"RUSHCAST_FAULT_SEED={SEED} RUSHCAST_FAULT_EVENTS={EVENTS} RUSHCAST_FAULT_KILLS={KILLS}")
        self.rng, self.recorded = random.Random(SEED), 0
        self.servers = OwnServers("chaos")
        self.platform = Platform("chaos", folder, self.servers.addresses(), RUSHCAST_NOW="data")
        self.platform.add("ingest-2", "ingest")
        self.running = ["ingest"]
        self.platform.start("ingest")
        self.platform.wait_ready("ingest")

    def look(self):
        """How many messages are recorded; as before while Postgres is away."""
        self.recorded = max(self.recorded, self.platform.taken())
        return self.recorded

    def victims(self):
        """Each kind at least once, if there are that many."""
        kinds = VICTIMS + self.rng.choices(VICTIMS, k=max(0, KILLS - len(VICTIMS)))
        self.rng.shuffle(kinds)
        return kinds[:KILLS]

    def pause(self):
        time.sleep(self.rng.random() * PAUSE_MAX_S)

    def kill_ingest(self):
        names = self.rng.sample(self.running, self.rng.randint(1, len(self.running)))
        for name in names:
            self.platform.kill(name)
        self.pause()
        for name in names:
            self.platform.start(name)
        return names

    def kill_postgres(self):
        """The server, with or without its children; or one of these, which makes it start over by itself."""
        pid = self.servers.processes["postgres"].pid
        way = self.rng.choice(["server", "server and children", "child"])
        victims = {"server": [], "server and children": children(pid), "child": children(pid)[-1:]}[way]
        if way != "child":
            self.servers.kill("postgres")
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.pause()
        if way != "child":
            self.servers.start("postgres")
        return way

    def kill_kafka(self):
        self.servers.kill("kafka")
        self.pause()
        self.servers.start("kafka")

    def change_processes(self):
        """Lets a second ingest process begin or end."""
        if self.rng.random() < 0.5:
            return
        if len(self.running) == 1:
            self.platform.start("ingest-2")
            self.running.append("ingest-2")
        else:
            assert self.platform.stop("ingest-2") == 0
            self.running.remove("ingest-2")

    def run(self, messages):
        flow = Flow(self.platform, messages, lambda: self.recorded)
        flow.start()
        moments = sorted(self.rng.sample(range(EVENTS * 95 // 100), KILLS))
        for moment, victim in zip(moments, self.victims()):
            wait_until(f"{moment} messages to be recorded", lambda m=moment: self.progress(flow) >= m, END_DEADLINE_S,
                       every_s=0.05)
            time.sleep(self.rng.random() * 0.2)
            what = getattr(self, f"kill_{victim}")()
            print(f"{time.strftime('%H:%M:%S')} {self.recorded} recorded; killed {victim} {what or ''}; "
                  f"{len(self.running)} ingest", file=sys.stderr)
            self.change_processes()
        wait_until("everything to be sent", lambda: self.progress(flow) and not flow.is_alive(), END_DEADLINE_S)
        assert flow.failure is None and flow.written == EVENTS, (flow.failure, flow.written)
        wait_until("everything to be recorded", lambda: self.look_patiently() >= EVENTS, END_DEADLINE_S)
        for name in self.running:
            self.platform.wait_ready(name)
            wait_until(f"the lag of {name} to be 0", lambda n=name: self.platform.json(n, "/watermark")["lag"] == 0)

    def progress(self, flow):
        assert flow.failure is None, flow.failure
        return self.look_patiently()

    def look_patiently(self):
        try:
            return self.look()
        except exact_counts.AWAY:
            return self.recorded


@pytest.fixture(scope="module")
def chaos(tmp_path_factory):
    chaos = Chaos(tmp_path_factory.mktemp("chaos"))
    yield chaos
    chaos.platform.stop_all()
    chaos.servers.stop_all()


def test_counts_are_exact_whatever_is_killed(chaos):
    messages = list(OrderLife(EVENTS, SEED, UNTIL, HOURS, SHARES).messages())
    chaos.run(messages)
    exact_counts.check(chaos.platform, messages)
    watermark = chaos.platform.json("ingest", "/watermark")
    assert watermark["orders"] == chaos.platform.scalar("SELECT sum(orders) FROM core.demand_hourly")
