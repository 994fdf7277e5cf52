"""Several ingest processes share the partitions; whoever joins, leaves or dies, every event counts once."""
import random
import subprocess
import time

import pytest
import requests

from order_events import Sender, order
from platform_under_test import BUILD, TOP, Platform, free_port, wait_until

ORDERS = 30000
HOURS = 24


class Group:
    def __init__(self, platform):
        self.platform, self.members = platform, []

    def join(self):
        port = free_port()
        with (self.platform.folder / "members.log").open("ab") as log:
            process = subprocess.Popen([BUILD / "rushcast-ingest"], stdout=log, stderr=log, cwd=TOP,
                                       env={**self.platform.environment, "RUSHCAST_INGEST_PORT": str(port)})
        self.members.append((process, port))
        wait_until("a member to be ready", lambda: self.is_ready(process, port))

    @staticmethod
    def is_ready(process, port):
        assert process.poll() is None, "a member ended"
        try:
            return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code == 200
        except requests.ConnectionError:
            return False

    def kill(self, index):
        process, _ = self.members.pop(index)
        process.kill()
        process.wait()

    def leave(self, index):
        process, _ = self.members.pop(index)
        process.terminate()
        assert process.wait(60) == 0

    def stop(self):
        while self.members:
            self.leave(0)


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    group = Group(Platform("several", tmp_path_factory.mktemp("several"), RUSHCAST_INGEST_BATCH_EVENTS="500"))
    yield group
    for process, _ in group.members:
        process.kill()


def event(number, attempt):
    """Every third names only a branch, whose place one order tells late: whichever process learns it."""
    at = f"2026-06-01T{number % HOURS:02}:{number % 60:02}:00Z"
    if number % 3:
        return order(number, at, f"e{number}-{attempt}")
    place = {"lat": -32.94 + number % 7 / 10, "lon": -60.65} if number >= ORDERS * 3 // 4 else None
    return order(number, at, f"e{number}-{attempt}", branch_id=f"b{number % 7}", location=place)


def test_a_changing_group_loses_and_doubles_nothing(group):
    rng = random.Random(11)
    numbers = list(range(ORDERS))
    numbers += rng.sample(numbers, ORDERS // 20)
    chunks = 12
    sender = Sender(group.platform)
    group.join()
    steps = {1: group.join, 2: group.join, 4: lambda: group.kill(0), 5: group.join, 6: lambda: group.leave(1),
             7: group.join, 9: lambda: (group.kill(0), group.kill(0)), 10: group.join}
    for chunk in range(chunks):
        part = numbers[chunk * len(numbers) // chunks:(chunk + 1) * len(numbers) // chunks]
        sender.send((rng.choice("abcdefghij"), event(n, chunk)) for n in part)
        time.sleep(rng.random() * 0.3)
        steps.get(chunk, lambda: None)()
    wait_until("all to be recorded", lambda: group.platform.taken() == len(numbers))
    query = group.platform.query
    assert query("SELECT count(*), count(DISTINCT order_id), count(geo_id) FROM core.order_event") == [(ORDERS,) * 3]
    assert query("SELECT sum(orders) FROM core.demand_hourly") == [(ORDERS,)]
    assert query("SELECT orders FROM core.watermark") == [(ORDERS,)]
    assert query("SELECT count(*) FROM raw.waiting_event") == [(0,)]
    assert query("SELECT count(*) FROM raw.duplicate_event") == [(len(numbers) - ORDERS,)]
    assert query("SELECT sum(messages), sum(events), sum(duplicates) FROM raw.batch") == [
        (len(numbers), ORDERS, len(numbers) - ORDERS)]
    assert query("SELECT sum(events + duplicates) FROM raw.kafka_offset") == [(len(numbers),)]
    assert query("SELECT count(*) FROM raw.stream_gap") == [(0,)]
    counted = dict(query("SELECT extract(hour FROM hour_utc AT TIME ZONE 'UTC')::int, sum(orders)::int "
                         "FROM core.demand_hourly GROUP BY 1"))
    assert counted == {hour: ORDERS // HOURS for hour in range(HOURS)}
    # Each change of a count carries a later number than the one before: a follower's cursor misses none.
    assert query("SELECT count(*) FROM core.demand_hourly d LEFT JOIN raw.batch b ON b.commit_seq = d.changed_seq "
                 "WHERE b IS NULL") == [(0,)]
    wait_until("the watermark at the last event", lambda: query(
        "SELECT watermark_at = (SELECT max(occurred_at) FROM core.order_event) FROM core.watermark") == [(True,)])
    group.stop()
