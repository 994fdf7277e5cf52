"""See run.sh. Every run has a fresh database of the same durable server and is checked: all messages once, no order
twice, the hourly counts those of the orders."""
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

import psycopg
import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from order_life import OrderLife, Shares
from own_servers import OwnServers
from platform_under_test import BUILD, TOP, free_port

EVENTS = int(os.environ.get("RUSHCAST_BENCH_EVENTS", 1_000_000))
ROUNDS = int(os.environ.get("RUSHCAST_BENCH_ROUNDS", 5))
BURST = int(os.environ.get("RUSHCAST_BENCH_BURST", 1_000_000))
STEADY_S = int(os.environ.get("RUSHCAST_BENCH_STEADY_S", 10))
PARTS = os.environ.get("RUSHCAST_BENCH_INGEST", "copy python burst latency").split()
STEADY_RATE = 2000
PROBES_PER_S = 20
PARTITIONS = 8
DEADLINE_S = 300
LOOK_EVERY_S = 0.01
MEMORY_MAX_MB = 400
SEEN_WITHIN_S = 2
UNTIL = 1_780_000_000
PEER = TOP / "tests/bench/peers/ingest_consumer.py"
PEER_PYTHON = TOP / ".local/peers/venv/bin/python"
PEER_PACKAGES = ["confluent-kafka", "h3", "orjson", "psycopg", "zstandard"]


def say(text):
    print(f"ingest bench: {text}", file=sys.stderr, flush=True)


def await_true(what, condition, every_s=0.05):
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"ingest bench: waited {DEADLINE_S} s for {what}")
        time.sleep(every_s)
    return value


class Bench:
    def __init__(self):
        self.servers = OwnServers("bench", ["postgres", "kafka"])
        addresses = self.servers.addresses()
        self.postgres, self.brokers = addresses["RUSHCAST_TEST_POSTGRES"], addresses["RUSHCAST_TEST_KAFKA"]
        self.server = psycopg.connect(self.postgres, autocommit=True)
        self.databases = 0
        self.versions = {
            "postgres": self.server.execute("SHOW server_version").fetchone()[0].split()[0],
            "librdkafka": subprocess.run(["pkg-config", "--modversion", "rdkafka"], capture_output=True, text=True,
                                         check=True).stdout.strip()}
        self.commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True, text=True,
                                     check=True).stdout.strip()

    def tell(self, name, ours, other, unit, n, ratio=None, **versions):
        digits = 0 if ours > 1000 else 3
        print(json.dumps({"bench": name, "ours": round(ours, digits), "other": other and round(other, digits), "unit": unit,
                          "ratio": ratio and round(ratio, 3), "n": n, "versions": self.versions | versions,
                          "commit": self.commit}), flush=True)

    def make_topic(self, topic):
        admin = AdminClient({"bootstrap.servers": self.brokers})
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)

    def producer(self, **settings):
        return Producer({"bootstrap.servers": self.brokers, "enable.idempotence": True, "compression.type": "lz4",
                         "linger.ms": 20, "log_level": 3, "queue.buffering.max.messages": 2_000_000,
                         "queue.buffering.max.kbytes": 1_000_000, **settings})

    def produce(self, topic, messages):
        """Returns how many were written."""
        producer, count = self.producer(), 0
        for count, (key, value) in enumerate(messages, 1):
            producer.produce(topic, value, key)
            if count % 1000 == 0:
                producer.poll(0)
        assert producer.flush(DEADLINE_S) == 0
        return count

    @contextlib.contextmanager
    def database(self):
        """A connection to a new database, which is dropped afterwards."""
        self.databases += 1
        name = f"run_{self.databases}"
        self.server.execute(f"CREATE DATABASE {name}")
        self.server.execute("CHECKPOINT")
        with psycopg.connect(self.postgres.replace("dbname=postgres", f"dbname={name}"), autocommit=True) as connection:
            yield connection
        self.server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def ingest(self, database, topic):
        port = free_port()
        environment = {**os.environ, "RUSHCAST_POSTGRES": self.postgres.replace("dbname=postgres",
                                                                               f"dbname={database.info.dbname}"),
                       "RUSHCAST_KAFKA_BROKERS": self.brokers, "RUSHCAST_KAFKA_TOPIC": topic,
                       "RUSHCAST_KAFKA_GROUP": database.info.dbname, "RUSHCAST_INGEST_PORT": str(port),
                       "RUSHCAST_FEATURE_STORE_URL": "http://127.0.0.1:9"}
        log = self.servers.folder / "ingest.log"
        with log.open("ab") as output:
            process = subprocess.Popen([BUILD / "rushcast-ingest"], env=environment, stdout=output, stderr=output)
        process.url, process.log = f"http://127.0.0.1:{port}", log
        try:
            yield process
            process.terminate()
            assert process.wait(60) == 0, log.read_text()[-3000:]
        finally:
            process.kill()
            process.wait()


def taken(database, table="raw.kafka_offset"):
    """Messages that have been recorded."""
    try:
        return database.execute(f"SELECT coalesce(sum(next_offset), 0)::bigint FROM {table}").fetchone()[0]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0


def sustained(database, events, alive, table="raw.kafka_offset"):
    """Seconds and messages from the first commit to the last."""
    def look():
        assert alive(), "it ended"
        return taken(database, table)
    first = await_true("the first commit", look, LOOK_EVERY_S)
    begun = time.monotonic()
    await_true("the last commit", lambda: look() >= events, LOOK_EVERY_S)
    return time.monotonic() - begun, events - first


def check(database, events, demand="core.demand_hourly JOIN core.geo USING (geo_id)", schema=None):
    """Fails unless each message is recorded once and the counts follow from the orders. Returns what both sides must
    have in common: the number of event rows, and the demand, hashed. `schema`: where the peer has its tables."""
    def one(sql):
        return database.execute(re.sub(r"\b(raw|core)\.", f"{schema}.", sql) if schema else sql).fetchone()
    messages, recorded, duplicates, dead = one(
        "SELECT sum(messages), sum(events), sum(duplicates), sum(dead_letters) FROM raw.batch")
    rows, created = one("SELECT count(*), count(*) FILTER (WHERE event_type = 'order_created') FROM core.order_event")
    assert (messages, recorded, dead) == (events, rows, 0), (messages, recorded, rows, dead)
    assert duplicates == one("SELECT count(*) FROM raw.duplicate_event")[0]
    assert one("SELECT sum(orders) FROM core.demand_hourly")[0] == created
    payloads, = one("SELECT count(*) FROM raw.batch_payload")
    assert payloads == one("SELECT count(*) FROM raw.batch")[0] > 0
    return rows, database.execute("SELECT md5(string_agg(format('%s %s %s %s', geo, hour_utc, vertical, orders), ',' "
                                  f"ORDER BY geo, hour_utc, vertical)) FROM {demand}").fetchone()[0]


class Stream:
    """The figures of a topic that was filled beforehand: rounds of each side, alternating."""

    def __init__(self, bench):
        self.bench, self.topic = bench, "orders.sustained"
        bench.make_topic(self.topic)
        say(f"filling a topic with {EVENTS} events")
        bench.produce(self.topic, OrderLife(EVENTS, 1, UNTIL).messages())
        self.ours, self.copied, self.rate, self.python = [], [], [], []
        self.expected = None
        self.peer_processes = 1

    def run_ours(self, processes, keep_rows=False):
        with self.bench.database() as database:
            with contextlib.ExitStack() as stack:
                workers = [stack.enter_context(self.bench.ingest(database, self.topic)) for _ in range(processes)]
                seconds, messages = sustained(database, EVENTS, lambda: all(w.poll() is None for w in workers))
            figures = check(database, EVENTS)
            self.expected = self.expected or figures
            assert figures == self.expected, (figures, self.expected)
            share = figures[0] / EVENTS
            say(f"ours, {processes} process(es): {messages / seconds:,.0f} events/s, {share * messages / seconds:,.0f} rows/s")
            if keep_rows:
                self.ours.append(share * messages / seconds)
                self.rate.append(messages / seconds)
            if "copy" in PARTS:
                self.run_copy(database, keep_rows)
            return messages / seconds

    def run_copy(self, database, keep):
        """In one transaction, read by the server itself from a file that is in memory: no client, no
        protocol, one flush of the log."""
        folder = database.execute("SHOW data_directory").fetchone()[0]
        rows = f"{folder}/rows.copy"
        database.execute(f"COPY core.order_event TO '{rows}' (FORMAT binary)")
        database.execute("CREATE TABLE peer (LIKE core.order_event, PRIMARY KEY (order_id, event_type))")
        self.bench.server.execute("CHECKPOINT")
        begun = time.monotonic()
        database.execute(f"COPY peer FROM '{rows}' (FORMAT binary)")
        seconds = time.monotonic() - begun
        count, = database.execute("SELECT count(*) FROM peer").fetchone()
        assert count == self.expected[0]
        say(f"COPY {count / seconds:,.0f} rows/s")
        if keep:
            self.copied.append(count / seconds)

    def run_python(self, processes):
        with self.bench.database() as database:
            database.execute((PEER.parent / "ingest_consumer.sql").read_text())
            self.bench.server.execute("CHECKPOINT")
            arguments = [PEER_PYTHON, PEER, self.bench.brokers, self.topic, str(PARTITIONS), str(processes),
                         self.bench.postgres.replace("dbname=postgres", f"dbname={database.info.dbname}")]
            with (self.bench.servers.folder / "peer.log").open("ab") as log:
                workers = [subprocess.Popen([*arguments, str(i)], stdout=log, stderr=log) for i in range(processes)]
            try:
                seconds, messages = sustained(database, EVENTS, lambda: all(w.poll() is None for w in workers),
                                              "peer.kafka_offset")
            finally:
                for worker in workers:
                    worker.kill()
                    worker.wait()
            figures = check(database, EVENTS, "peer.demand_hourly", "peer")
            assert figures == self.expected, (figures, self.expected)
            say(f"Python, {processes} process(es): {messages / seconds:,.0f} events/s")
            return messages / seconds

    def measure(self):
        say("runs that do not count: with one process and with two")
        processes = max((1, 2), key=self.run_ours)
        if "python" in PARTS:
            self.peer_processes = max((1, 2), key=self.run_python)
        for i in range(ROUNDS):
            say(f"round {i + 1} of {ROUNDS}")
            self.run_ours(processes, keep_rows=True)
            if "python" in PARTS:
                self.python.append(self.run_python(self.peer_processes))
        if "copy" in PARTS:
            ours, other = statistics.median(self.ours), statistics.median(self.copied)
            self.bench.tell("ingest_vs_copy", ours, other, "rows/s", ROUNDS, ours / other, processes=processes)
        if "python" in PARTS:
            ours, other = statistics.median(self.rate), statistics.median(self.python)
            packages = subprocess.run([PEER_PYTHON, "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
            installed = dict(line.split("==") for line in packages.stdout.split() if "==" in line)
            self.bench.tell("ingest_vs_python", ours, other, "events/s", ROUNDS, ours / other,
                            processes=processes, peer_processes=self.peer_processes,
                            **{name: installed[name] for name in PEER_PACKAGES})


def peak_memory_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def lag(process):
    return requests.get(f"{process.url}/watermark", timeout=30).json()["lag"]


class Live:
    """One process that is running while events come."""

    def __init__(self, bench):
        self.bench, self.topic, self.sent, self.orders = bench, "orders.live", 0, 0
        bench.make_topic(self.topic)

    def life(self, events, seed, **options):
        life = OrderLife(events, seed, UNTIL, first_order=self.orders, **options)
        self.orders += events
        return life.messages()

    def send(self, messages):
        self.sent += self.bench.produce(self.topic, messages)

    def measure(self):
        with self.bench.database() as database, self.bench.ingest(database, self.topic) as process:
            self.send(self.life(20_000, 2))
            await_true("the first events", lambda: taken(database) == self.sent)
            if "burst" in PARTS:
                self.burst(database, process)
            if "latency" in PARTS:
                self.latency(database, process)
            check(database, self.sent)

    def burst(self, database, process):
        messages = list(self.life(BURST, 3))
        say(f"a burst of {BURST} events")
        begun = time.monotonic()
        self.send(messages)
        sent = time.monotonic()
        behind = self.sent - taken(database)
        await_true("the lag to be 0", lambda: taken(database) == self.sent and lag(process) == 0, LOOK_EVERY_S)
        end = time.monotonic()
        say(f"sent in {sent - begun:.2f} s, {behind} behind then, lag 0 after {end - sent:.2f} s more")
        self.bench.tell("ingest_burst_seconds", end - sent, None, "s", 1)
        memory = peak_memory_mb(process)
        self.bench.tell("ingest_memory", memory, MEMORY_MAX_MB, "MB", 1, MEMORY_MAX_MB / memory)

    def latency(self, database, process):
        """Orders in hours of their own, before all others, so that each is seen by itself."""
        count = STEADY_S * PROBES_PER_S
        say(f"{STEADY_RATE} events/s for {STEADY_S} s")
        first = (UNTIL - 400 * 86400) // 3600
        acknowledged, seen = {}, {}
        producer = self.bench.producer(**{"linger.ms": 5})
        load = self.life(STEADY_S * STEADY_RATE, 4)
        probe = '{{"event_id":"p{0}","event_type":"order_created","order_id":"p{0}","occurred_at":"{1}",' \
                '"location":{{"lat":-31.4201,"lon":-64.1888}}}}'

        def send():
            begun, every = time.monotonic(), STEADY_RATE // PROBES_PER_S
            for i, (key, value) in enumerate(load):
                while (wait_s := begun + i / STEADY_RATE - time.monotonic()) > 0:
                    producer.poll(min(wait_s, 0.001))
                producer.produce(self.topic, value, key)
                if i % every == 0:
                    at = time.strftime("%Y-%m-%dT%H:00:01Z", time.gmtime((first + i // every) * 3600))
                    producer.produce(self.topic, probe.format(i // every, at), f"p{i // every}",
                                     on_delivery=lambda error, message, n=i // every:
                                     acknowledged.__setitem__(n, time.monotonic()))
                producer.poll(0)
            assert producer.flush(DEADLINE_S) == 0

        def hour(number):
            return time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(number * 3600))
        # The first order of the geo, so that it can be asked for.
        self.sent += self.bench.produce(self.topic, [("p", probe.format("", hour(first - 1)))])
        await_true("the geo", lambda: taken(database) == self.sent)
        geo = database.execute("SELECT geo FROM core.geo WHERE kind = 'cell' ORDER BY geo_id DESC LIMIT 1").fetchone()[0]
        session, url = requests.Session(), f"{process.url}/demand?geo={geo}&from={hour(first)}&to={hour(first + count)}"
        sender = threading.Thread(target=send)
        sender.start()
        end = time.monotonic() + DEADLINE_S
        while len(seen) < count and time.monotonic() < end:
            rows = session.get(url, timeout=30, headers={"Accept": "application/json"}).json()["demand"]
            now = time.monotonic()
            for n, row in enumerate(rows):
                if row["count"] > 0:
                    seen.setdefault(n, now)
            time.sleep(LOOK_EVERY_S)
        sender.join()
        self.sent += STEADY_S * STEADY_RATE + count
        await_true("the rest", lambda: taken(database) == self.sent)
        assert len(seen) == len(acknowledged) == count, (len(seen), len(acknowledged), count)
        delays = sorted(max(0.0, seen[n] - acknowledged[n]) for n in seen)
        for name, delay in (("p50", delays[count // 2]), ("p99", delays[count * 99 // 100]), ("max", delays[-1])):
            self.bench.tell(f"event_to_demand_seconds_{name}", delay, SEEN_WITHIN_S, "s", count,
                            SEEN_WITHIN_S / max(delay, 0.001))


def main():
    bench = Bench()
    try:
        if "copy" in PARTS or "python" in PARTS:
            Stream(bench).measure()
        if "burst" in PARTS or "latency" in PARTS:
            Live(bench).measure()
    finally:
        bench.servers.stop_all()


main()
