"""See run.sh. Both sides hold the same rows, in the same Postgres and the same Redis (other databases of it), and
answer the same requests; every answer must be a 200."""
import contextlib
import datetime
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time

import psycopg
import redis
import requests

from feast_peer import FeastPeer
from own_servers import OwnServers
from platform_under_test import BUILD, TOP, free_port, wait_until

ROUNDS = int(os.environ.get("RUSHCAST_BENCH_ROUNDS", 5))
SECONDS = int(os.environ.get("RUSHCAST_BENCH_SECONDS", 3))
PARTS = os.environ.get("RUSHCAST_BENCH_FEATURES", "online lookup history materialize").split()
HERE = TOP / "tests/bench/features"
HISTORY_ROWS = int(os.environ.get("RUSHCAST_BENCH_HISTORY_ROWS", 2_160_000))
ENTITY_ROWS = 100_000
PUSH_ROWS = 1000
ENTITIES, FEATURES, BATCH = 10_000, 20, 100
ROW_BYTES = 187  # of a packed row with 20 features
CONNECTIONS = [1, 16]
DATABASE = "bench"


def say(text):
    print(f"features bench: {text}", file=sys.stderr, flush=True)


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def duration_ms(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


class Bench:
    def __init__(self):
        self.servers = OwnServers("bench", ["postgres", "redis"])
        self.redis_address = f"127.0.0.1:{self.servers.ports['redis']}"
        server = self.servers.addresses()["RUSHCAST_TEST_POSTGRES"]
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        self.postgres = server.replace("dbname=postgres", f"dbname={DATABASE}")
        self.database = psycopg.connect(self.postgres, autocommit=True)
        self.feast = FeastPeer(self.servers.folder / "feast", self.servers.ports["postgres"], DATABASE,
                               self.servers.ports["redis"])
        self.versions = {
            "feast": "0.67.0", "postgres": self.database.execute("SHOW server_version").fetchone()[0].split()[0],
            "redis": redis.Redis(port=self.servers.ports["redis"]).info()["redis_version"],
            "wrk": run(["dpkg-query", "-W", "-f", "${Version}", "wrk"])}
        self.commit = run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP).strip()
        self.begin = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)

    def tell(self, name, ours, other, unit, n, less_is_better=False, **more):
        ratio = other / ours if less_is_better else ours / other
        print(json.dumps({"bench": name, "ours": round(ours, 4), "other": round(other, 4), "unit": unit,
                          "ratio": round(ratio, 3), "n": n, **more, "versions": self.versions,
                          "commit": self.commit}), flush=True)

    def make_history(self):
        """216 hours of 10,000 entities, the same in each run, and 100,000 entity rows at random within them."""
        hours = HISTORY_ROWS // ENTITIES
        begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        columns = ", ".join(f"f{i:02} double precision" for i in range(FEATURES))
        values = ", ".join("random()" for _ in range(FEATURES))
        self.database.execute(f"CREATE TABLE peer.bench_history (driver text, event_timestamp timestamptz, "
                              f"created timestamptz, {columns})")
        with self.database.transaction():
            self.database.execute("SELECT setseed(0.5)")
            self.database.execute(
                "INSERT INTO peer.bench_history SELECT 'driver-' || lpad(entity::text, 5, '0'), at, at, "
                f"{values} FROM generate_series(0, {ENTITIES - 1}) AS entity, LATERAL (SELECT %s + hour * "
                f"interval '1 hour' AS at FROM generate_series(0, {hours - 1}) AS hour) AS hours", [begin])
        self.database.execute("CREATE INDEX ON peer.bench_history (driver, event_timestamp)")
        self.database.execute("ANALYZE peer.bench_history")
        source = random.Random(1)
        with (self.servers.folder / "entities.csv").open("w") as file:
            file.write("driver,event_timestamp\n")
            for _ in range(ENTITY_ROWS):
                at = begin + datetime.timedelta(seconds=source.randrange(hours * 3600))
                file.write(f"driver-{source.randrange(ENTITIES):05},{at.isoformat()}\n")
        return self.servers.folder / "entities.csv"

    def feast_history(self, entities):
        """Feast takes about a minute: measured once for these rows and this version, and kept with its answer."""
        cached = TOP / f".local/peers/feast/history-{HISTORY_ROWS}-{ENTITY_ROWS}.json"
        answer = cached.with_suffix(".parquet")
        if not cached.exists():
            seconds = self.feast.call("history", entities, answer)
            cached.write_text(json.dumps({"seconds": seconds}))
        return json.loads(cached.read_text())["seconds"], answer

    def copy_history(self):
        """What is in Feast's table, as if it had been recorded when it happened."""
        with self.database.transaction():
            self.database.execute("INSERT INTO features.entity (kind, key) SELECT DISTINCT 'driver', driver "
                                  "FROM peer.bench_history ON CONFLICT DO NOTHING")
            self.database.execute("SELECT features.ensure_months('bench_history_v1', min(event_timestamp), "
                                  "max(event_timestamp)) FROM peer.bench_history")
            features = ", ".join(f"f{i:02}" for i in range(FEATURES))
            self.database.execute(
                "INSERT INTO features.bench_history_v1 (entity_id, event_timestamp, recorded_seq, recorded_at, "
                f"{features}) SELECT entity_id, event_timestamp, 1, created, {features} "
                "FROM peer.bench_history JOIN features.entity ON kind = 'driver' AND key = driver")
        self.database.execute("VACUUM ANALYZE features.bench_history_v1")

    def our_history(self, url, body, answer):
        begun = time.monotonic()
        with requests.post(f"{url}/get-historical-features", data=body, stream=True, timeout=600,
                           headers={"Accept": "application/vnd.apache.arrow.stream",
                                    "Content-Type": "application/json"}) as response, answer.open("wb") as file:
            assert response.status_code == 200, response.text
            for block in response.iter_content(1 << 20):
                file.write(block)
        return time.monotonic() - begun

    def history(self, url):
        say(f"{HISTORY_ROWS} rows of history")
        entities = self.make_history()
        self.copy_history()
        other, feast_answer = self.feast_history(entities)
        with entities.open() as file:
            next(file)
            drivers, times = zip(*(line.strip().split(",") for line in file))
        body = json.dumps({"features": [f"bench_history:f{i:02}" for i in range(FEATURES)],
                           "entities": {"driver": drivers, "event_timestamp": times}}).encode()
        answer = self.servers.folder / "history.arrows"
        ours = [self.our_history(url, body, answer) for _ in range(ROUNDS)]
        self.feast.call("compare", answer, feast_answer)
        self.tell("pit_vs_feast", statistics.median(ours), other, "s", ROUNDS, less_is_better=True, rows=ENTITY_ROWS,
                  of_rows=HISTORY_ROWS)

    def materialize(self, url):
        begin, end = self.window()
        ours, other = [], []
        for _ in range(ROUNDS):
            for database, times, work in ((0, ours, lambda: self.our_materialization(url, begin, end)),
                                          (1, other, lambda: self.feast.call("materialize", begin, end))):
                store = redis.Redis(port=self.servers.ports["redis"], db=database)
                store.flushdb()
                times.append(work())
                assert store.dbsize() >= ENTITIES
        self.tell("materialize_vs_feast", statistics.median(ours), statistics.median(other), "s", ROUNDS,
                  less_is_better=True, rows=ENTITIES)

    def our_materialization(self, url, begin, end):
        begun = time.monotonic()
        answer = requests.post(f"{url}/materialize", timeout=600, json={"start_ts": begin, "end_ts": end,
                                                                        "feature_views": ["bench_online"]})
        assert answer.status_code == 200, answer.text
        return time.monotonic() - begun

    def make_rows(self):
        """Full 17-digit values, the costliest to print; the rows of the last full hour."""
        columns = ", ".join(f"f{i:02} double precision" for i in range(FEATURES))
        values = ", ".join("random()" for _ in range(FEATURES))
        self.database.execute("CREATE SCHEMA peer")
        self.database.execute(f"CREATE TABLE peer.bench_online (driver text, event_timestamp timestamptz, "
                              f"created timestamptz, {columns})")
        self.database.execute(
            f"INSERT INTO peer.bench_online SELECT 'driver-' || lpad(n::text, 5, '0'), %s, %s, {values} "
            f"FROM generate_series(0, {ENTITIES - 1}) AS n", [self.begin, self.begin])
        self.database.execute("CREATE INDEX ON peer.bench_online (driver, event_timestamp)")
        self.database.execute("ANALYZE peer.bench_online")

    def push(self, url):
        """The rows of peer.bench_online into both of our stores."""
        names = ["driver", "event_timestamp", *(f"f{i:02}" for i in range(FEATURES))]
        rows = self.database.execute(f"SELECT {', '.join(names)} FROM peer.bench_online").fetchall()
        for first in range(0, len(rows), PUSH_ROWS):
            columns = zip(*rows[first:first + PUSH_ROWS])
            frame = {name: [value.isoformat() if name == "event_timestamp" else value for value in column]
                     for name, column in zip(names, columns)}
            answer = requests.post(f"{url}/push", timeout=60, json={
                "push_source_name": "bench_online_rows", "df": frame, "to": "online_and_offline"})
            assert answer.status_code == 200, answer.text

    @contextlib.contextmanager
    def our_service(self):
        port = free_port()
        environment = {**os.environ, "RUSHCAST_POSTGRES": self.postgres, "RUSHCAST_REDIS": self.redis_address,
                       "RUSHCAST_FEATURE_STORE_PORT": str(port), "RUSHCAST_INGEST_URL": "http://127.0.0.1:9",
                       "RUSHCAST_FEATURE_VIEWS": str(HERE / "views"), "RUSHCAST_LOG_LEVEL": "warn"}
        log = self.servers.folder / "feature-store.log"
        with log.open("ab") as output:
            process = subprocess.Popen([BUILD / "rushcast-feature-store"], env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until("our service", lambda: process.poll() is not None or answers(f"{url}/health"))
            yield url
            process.terminate()
            assert process.wait(60) == 0, log.read_text()[-3000:]
        finally:
            process.kill()
            process.wait()

    # ---- online ------------------------------------------------------------------------------------------------------

    def wrk(self, url, batch, connections, seed, seconds=SECONDS):
        """Requests a second, and the 99th percentile of their milliseconds."""
        environment = {**os.environ, "BENCH_BATCH": str(batch), "BENCH_ENTITIES": str(ENTITIES),
                       "BENCH_SEED": str(seed)}
        said = run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s",
                    HERE / "random_entities.lua", url], env=environment)
        assert "Non-2xx" not in said and "Socket errors" not in said, said
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
                duration_ms(re.search(r"^ +99% +(\S+)", said, re.MULTILINE)[1]))

    def online(self, our_url):
        say("filling Feast's online store by its own materialization")
        self.feast.call("materialize", *self.window())
        feast_url = self.feast.serve()
        wait_until("Feast's server", lambda: answers(f"{feast_url}/health"))
        try:
            self.check_same_answers(our_url, feast_url)
            for batch in (1, BATCH):
                for connections in CONNECTIONS:
                    self.compare(our_url, feast_url, batch, connections)
        finally:
            self.feast.stop()

    def compare(self, our_url, feast_url, batch, connections):
        ours, other = [], []
        for url in (our_url, feast_url):
            self.wrk(url, batch, connections, 0, 1)
        for number in range(ROUNDS):
            ours.append(self.wrk(our_url, batch, connections, number))
            other.append(self.wrk(feast_url, batch, connections, number))
        name = f"features_{batch}" + ("_c1" if connections == 1 else "")
        for index, suffix, unit in ((0, "vs_feast_python", "requests/s"), (1, "p99_vs_feast_python", "ms")):
            self.tell(f"{name}_{suffix}", statistics.median(figures[index] for figures in ours),
                      statistics.median(figures[index] for figures in other), unit, ROUNDS, less_is_better=index == 1,
                      connections=connections)

    def check_same_answers(self, *urls):
        body = {"features": [f"bench_online:f{i:02}" for i in range(FEATURES)],
                "entities": {"driver": [f"driver-{i:05}" for i in range(0, ENTITIES, ENTITIES // BATCH)]}}
        answers_given = []
        for url in urls:
            answer = requests.post(f"{url}/get-online-features", json=body, timeout=30)
            assert answer.status_code == 200, answer.text
            parsed = answer.json()
            answers_given.append({name: result["values"] for name, result in
                                  zip(parsed["metadata"]["feature_names"], parsed["results"])})
            assert all(status == "PRESENT" for result in parsed["results"] for status in result["statuses"])
        assert answers_given[0] == answers_given[1]

    def lookup(self):
        """redis-benchmark: MGET of as many random keys with values of the same size, as many connections."""
        store = redis.Redis(port=self.servers.ports["redis"], db=2)
        with store.pipeline(transaction=False) as pipeline:
            for number in range(ENTITIES):
                pipeline.set(f"rushcast:bench_online:1:driver-{number:012}", os.urandom(ROW_BYTES))
            pipeline.execute()
        keys = ["rushcast:bench_online:1:driver-__rand_int__"] * BATCH
        for connections in CONNECTIONS:
            ours, other = [], []
            for _ in range(ROUNDS):
                ours.append(float(run([BUILD / "bench/features/online_lookup", HERE / "views", self.redis_address,
                                       ENTITIES, BATCH, connections, SECONDS])))
                said = run(["redis-benchmark", "-p", self.servers.ports["redis"], "--dbnum", 2, "-c", connections, "-n",
                            int(max(ours) * SECONDS), "-r", ENTITIES, "--csv", "MGET", *keys])
                other.append(float(said.splitlines()[-1].split('","')[1].strip('"')))
            self.tell("features_lookup_vs_redis" if connections > 1 else "features_lookup_c1_vs_redis",
                      statistics.median(ours), statistics.median(other), "batches/s", ROUNDS, connections=connections)

    def window(self):
        return [(self.begin - datetime.timedelta(hours=1)).isoformat(), (self.begin + datetime.timedelta(hours=1)).isoformat()]

    def run(self):
        self.make_rows()
        self.feast.call("apply")
        with self.our_service() as url:
            self.push(url)
            if "online" in PARTS:
                self.online(url)
            if "lookup" in PARTS:
                self.lookup()
            if "history" in PARTS:
                self.history(url)
            if "materialize" in PARTS:
                self.materialize(url)


def answers(url):
    try:
        return requests.get(url, timeout=1).ok
    except requests.ConnectionError:
        return False


def main():
    bench = Bench()
    try:
        bench.run()
    finally:
        bench.feast.stop()
        bench.database.close()
        bench.servers.stop_all()


if __name__ == "__main__":
    main()
