"""The four real services on free ports, with a database, a topic and a Redis of their own, and a client that checks
every exchange against openapi.yaml."""
import atexit
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import psycopg
import redis
import requests
from confluent_kafka.admin import AdminClient, NewTopic

from contract import Contract

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RUSHCAST_TEST_BUILD", TOP / "build/asan"))
SERVICES = ["ingest", "feature-store", "forecast-api", "trainer"]
PARTITIONS = 4
PATIENCE = float(os.environ.get("RUSHCAST_TEST_PATIENCE", 1))  # programs built with TSan are many times slower
DEADLINE_S = 120


def free_port():
    """A free port outside the range that the system gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(what, condition, deadline_s=DEADLINE_S, every_s=0.2):
    """The condition's first true value; fails saying what was waited for."""
    deadline_s *= PATIENCE
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline_s} s for {what}"
        time.sleep(every_s)


class Platform:
    """`servers` has the addresses of Postgres, Redis and Kafka, by default those that all tests share."""

    def __init__(self, name, folder, servers=os.environ, **settings):
        self.name, self.folder, self.contract = name, folder, Contract()
        self.ports = {service: free_port() for service in SERVICES}
        self.programs = {service: service for service in SERVICES}
        self.processes, self.logs = {}, {}
        server = servers["RUSHCAST_TEST_POSTGRES"]
        self.postgres = server.replace("dbname=postgres", f"dbname={name}")
        self.topic = f"orders.{name}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        host, port = servers["RUSHCAST_TEST_REDIS"].split(":")
        redis.Redis(host, int(port)).flushall()
        self.make_topic(servers["RUSHCAST_TEST_KAFKA"])
        self.environment = {
            **os.environ,
            "RUSHCAST_POSTGRES": self.postgres,
            "RUSHCAST_REDIS": servers["RUSHCAST_TEST_REDIS"],
            "RUSHCAST_KAFKA_BROKERS": servers["RUSHCAST_TEST_KAFKA"],
            "RUSHCAST_KAFKA_TOPIC": self.topic,
            "RUSHCAST_SPOOL_DIR": str(folder),
            **{f"RUSHCAST_{s.upper().replace('-', '_')}_PORT": str(p) for s, p in self.ports.items()},
            **{f"RUSHCAST_{s.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{p}" for s, p in self.ports.items()},
            **settings,
        }

    def make_topic(self, brokers):
        admin = AdminClient({"bootstrap.servers": brokers})
        admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])[self.topic].result(30)

    def add(self, name, service):
        """One more process of a service, on a port of its own."""
        self.programs[name], self.ports[name] = service, free_port()

    def start(self, service):
        log, program = self.folder / f"{service}.log", self.programs[service]
        self.logs[service] = log
        port = {f"RUSHCAST_{program.upper().replace('-', '_')}_PORT": str(self.ports[service])}
        with log.open("ab") as output:
            self.processes[service] = subprocess.Popen(
                [BUILD / f"rushcast-{program}"], env=self.environment | port, stdout=output, stderr=output, cwd=TOP)
        # A fixture that fails halfway is not torn down.
        atexit.register(self.processes[service].kill)
        wait_until(f"{service} to answer", lambda: self.answers(service), 30)

    def start_all(self):
        for service in SERVICES:
            self.start(service)

    def wait_ready(self, service):
        wait_until(f"{service} to be ready", lambda: self.get(service, "/readyz").status_code == 200)

    def answers(self, service):
        assert self.processes[service].poll() is None, f"{service} ended: {self.logs[service].read_text()[-2000:]}"
        try:
            return self.get(service, "/healthz").status_code == 200
        except requests.ConnectionError:
            return False

    def kill(self, service):
        self.processes[service].send_signal(signal.SIGKILL)
        self.processes.pop(service).wait()

    def stop(self, service):
        """Asks the service to stop; returns its exit status."""
        process = self.processes.pop(service)
        process.send_signal(signal.SIGTERM)
        return process.wait(30 * PATIENCE)

    def stop_all(self):
        statuses = {service: self.stop(service) for service in reversed(list(self.processes))}
        assert all(status == 0 for status in statuses.values()), f"services ended with {statuses}"

    def call(self, service, method, path, **options):
        response = requests.request(method, f"http://127.0.0.1:{self.ports[service]}{path}", timeout=60 * PATIENCE, **options)
        self.contract.check(self.programs[service], method, path.split("?")[0], response)
        return response

    def get(self, service, path, **options):
        return self.call(service, "GET", path, **options)

    def json(self, service, path, status=200):
        response = self.get(service, path)
        assert response.status_code == status, f"{path}: {response.status_code} {response.text[:500]}"
        return response.json()

    def query(self, sql, *parameters):
        with psycopg.connect(self.postgres) as connection:
            return connection.execute(sql, parameters).fetchall()

    def scalar(self, sql, *parameters):
        return self.query(sql, *parameters)[0][0]

    def command(self, *arguments, status=0):
        """Runs the rushcast program; returns standard output."""
        done = subprocess.run([BUILD / "rushcast", *map(str, arguments)], env=self.environment, cwd=TOP, text=True,
                              capture_output=True, timeout=300 * PATIENCE)
        assert done.returncode == status, f"rushcast {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if status == 0 else done.stderr

    def ingested(self, events):
        """Waits until ingest has taken that many messages in, of whatever outcome."""
        return wait_until(f"{events} events ingested", lambda: self.json("ingest", "/watermark")["lag"] == 0 and
                          self.taken() >= events)

    def taken(self):
        return self.scalar("SELECT coalesce(sum(next_offset), 0) FROM raw.kafka_offset")
