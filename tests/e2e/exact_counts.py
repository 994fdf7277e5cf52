"""Computes again, from what Kafka holds and from what is kept of it, all that ingest derives, and compares."""
import collections
import datetime as dt
import decimal
import hashlib
import json
import struct
import time

import psycopg
import zstandard
from confluent_kafka import Consumer, TopicPartition

from platform_under_test import PARTITIONS, PATIENCE

AWAY = psycopg.OperationalError
HEADER = struct.Struct("<iqI")
READ_DEADLINE_S = 120
Step = collections.namedtuple("Step", "event_id at vertical lat lon branch customer amount currency")


def digest(key, value):
    return hashlib.blake2b(value, key=key or b"-", digest_size=16).digest()


def read_topic(platform):
    """All messages: {partition: [(key, value), ...]}, the offset being the place."""
    consumer = Consumer({"bootstrap.servers": platform.environment["RUSHCAST_KAFKA_BROKERS"], "group.id": "exact_counts"})
    ends = {p: consumer.get_watermark_offsets(TopicPartition(platform.topic, p), 30) for p in range(PARTITIONS)}
    assert all(low == 0 for low, high in ends.values()), ends
    topic = {p: [] for p in ends}
    consumer.assign([TopicPartition(platform.topic, p, 0) for p in ends])
    deadline = time.monotonic() + READ_DEADLINE_S * PATIENCE
    while any(len(topic[p]) < high for p, (low, high) in ends.items()):
        assert time.monotonic() < deadline, "Kafka gives no more"
        for message in consumer.consume(10_000, 0.5):
            assert message.error() is None, message.error()
            assert message.offset() == len(topic[message.partition()])
            topic[message.partition()].append((message.key(), message.value() or b""))
    consumer.close()
    return topic


def read_payloads(connection, topic):
    """Checks that raw keeps each message once, byte for byte; returns {(batch_id, message_no): (partition, offset)}."""
    places, seen = {}, {p: set() for p in topic}
    with connection.cursor("payloads") as cursor:
        cursor.itersize = 20
        for batch_id, payload in cursor.execute("SELECT batch_id, payload FROM raw.batch_payload"):
            data, at, number = zstandard.decompress(payload), 0, 0
            while at < len(data):
                partition, offset, length = HEADER.unpack_from(data, at)
                at += HEADER.size
                assert offset not in seen[partition], f"message {offset} of partition {partition} is in raw twice"
                assert data[at:at + length] == topic[partition][offset][1], f"{partition}/{offset} is not what was sent"
                seen[partition].add(offset)
                places[batch_id, number] = partition, offset
                at, number = at + length, number + 1
    assert {p: len(offsets) for p, offsets in seen.items()} == {p: len(m) for p, m in topic.items()}
    return places


def step_of(event):
    location, total = event.get("location") or {}, event.get("total") or {}
    amount = total.get("amount")
    return Step(event["event_id"], dt.datetime.fromisoformat(event["occurred_at"]), event["vertical"],
                location.get("lat"), location.get("lon"), event.get("branch_id"), event.get("customer_id"),
                amount and decimal.Decimal(amount), total.get("currency"))


def expect(topic):
    """What must come out: {(order, type): {place: step}} of the messages one of which counts, the first of each
    partition; places of those that can only be duplicates; places of unusable messages."""
    firsts, duplicates, unusable = collections.defaultdict(dict), set(), set()
    for partition, messages in topic.items():
        seen = set()
        for offset, (key, value) in enumerate(messages):
            if key.startswith(b"bad-"):
                unusable.add((partition, offset))
                continue
            event = json.loads(value)
            identity = event["order_id"], event["event_type"]
            if identity in seen:
                duplicates.add((partition, offset))
            else:
                seen.add(identity)
                firsts[identity][partition, offset] = step_of(event)
    return firsts, duplicates, unusable


def check_core(connection, firsts, places, duplicates):
    """Each step once, as one of its first messages said; the others become duplicates. Returns {(order, type): step}
    and {(order, type): geo_id}."""
    steps, geos = {}, {}
    with connection.cursor("events") as cursor:
        cursor.itersize = 20_000
        for order_id, kind, batch_id, message_no, geo_id, *columns in cursor.execute(
                "SELECT order_id, event_type::text, batch_id, message_no, geo_id, event_id, occurred_at, vertical::text, "
                "lat, lon, branch_id, customer_id, total_amount, currency FROM core.order_event"):
            candidates, place = firsts[order_id, kind], places[batch_id, message_no]
            step = candidates.get(place)
            assert Step(*columns) == step, (order_id, kind, columns, place, candidates)
            steps[order_id, kind], geos[order_id, kind] = step, geo_id
            duplicates.update(candidates.keys() - {place})
    assert steps.keys() == firsts.keys()
    return steps, geos


def check_apart(connection, places, duplicates, unusable, topic):
    """Duplicates and dead letters: those messages and no others."""
    found = connection.execute('SELECT batch_id, message_no, partition, "offset" FROM raw.duplicate_event').fetchall()
    assert all(places[batch_id, number] == (partition, offset) for batch_id, number, partition, offset in found)
    assert sorted(row[2:] for row in found) == sorted(duplicates)
    found = connection.execute('SELECT partition, "offset", payload FROM raw.dead_letter').fetchall()
    assert sorted(row[:2] for row in found) == sorted(unusable)
    assert all(payload == topic[partition][offset][1] for partition, offset, payload in found)


def check_demand(connection, steps, geos):
    """Hourly counts from the messages alone; the place of an order without coordinates is its branch's."""
    branch_geo, place_geo = {}, {}
    for identity, step in steps.items():
        if step.lat is not None:
            assert place_geo.setdefault((step.lat, step.lon), geos[identity]) == geos[identity] is not None
            branch_geo[step.branch] = geos[identity]
    waiting, demand = set(), collections.Counter()
    for (order_id, kind), step in steps.items():
        geo_id = place_geo[step.lat, step.lon] if step.lat is not None else branch_geo.get(step.branch)
        assert geos[order_id, kind] == geo_id, (order_id, kind, step)
        if geo_id is None:
            waiting.add((order_id, kind))
        elif kind == "order_created":
            demand[geo_id, step.at.replace(minute=0, second=0, microsecond=0), step.vertical] += 1
    found = connection.execute("SELECT geo_id, hour_utc, vertical::text, orders FROM core.demand_hourly").fetchall()
    assert {row[:3]: row[3] for row in found} == demand
    assert set(connection.execute("SELECT order_id, event_type::text FROM raw.waiting_event").fetchall()) == waiting
    orders, first_hour, seq = connection.execute(
        "SELECT orders, first_hour, changed_seq FROM core.watermark").fetchone()
    assert (orders, first_hour) == (demand.total(), min(hour for _, hour, _ in demand))
    assert seq == connection.execute("SELECT max(changed_seq) FROM core.demand_hourly").fetchone()[0]


def check_ledger(connection):
    """From the first restatement of an hour on, each begins where the one before ended, and the last is what is. What
    was and is follows from the batches (but where orders waited for their branch: when they found it is not kept)."""
    connection.execute(
        "CREATE TEMP TABLE counted AS SELECT geo_id, date_trunc('hour', occurred_at, 'UTC') AS hour_utc, vertical, lat, "
        "batch_id FROM core.order_event WHERE event_type = 'order_created' AND geo_id IS NOT NULL")
    connection.execute("CREATE INDEX ON counted (geo_id, hour_utc, vertical)")
    connection.execute("ANALYZE counted")
    broken = connection.execute(
        "SELECT geo_id, hour_utc, vertical, commit_seq, orders_were, orders_are, next_were, orders, changed_seq FROM ("
        "  SELECT *, lead(orders_were) OVER w AS next_were, lead(commit_seq) OVER w AS next_seq "
        "  FROM core.demand_restatement WINDOW w AS (PARTITION BY geo_id, hour_utc, vertical ORDER BY commit_seq)) r "
        "LEFT JOIN core.demand_hourly d USING (geo_id, hour_utc, vertical) "
        "WHERE orders_are <= orders_were OR orders_are IS DISTINCT FROM coalesce(next_were, d.orders) "
        "OR next_seq IS NULL AND d.changed_seq <> r.commit_seq "
        "OR NOT EXISTS (SELECT FROM raw.batch b WHERE b.commit_seq = r.commit_seq)").fetchall()
    assert broken == []
    broken = connection.execute(
        "SELECT r.geo_id, r.hour_utc, r.vertical, r.commit_seq, orders_were, orders_are, counted.* "
        "FROM core.demand_restatement r, LATERAL ("
        "  SELECT count(*) FILTER (WHERE b.commit_seq < r.commit_seq) AS before, "
        "         count(*) FILTER (WHERE b.commit_seq <= r.commit_seq) AS after, bool_and(e.lat IS NOT NULL) AS placed "
        "  FROM counted e JOIN raw.batch b USING (batch_id) "
        "  WHERE (e.geo_id, e.hour_utc, e.vertical) = (r.geo_id, r.hour_utc, r.vertical)) counted "
        "WHERE placed AND (orders_were, orders_are) <> (before, after)").fetchall()
    assert broken == []
    assert connection.execute("SELECT count(*) FROM core.demand_restatement").fetchone()[0] > 0


def check_batches(connection, topic, duplicates, unusable):
    """The ranges of the batches join without gap or overlap, and the positions are where they end."""
    ranges = connection.execute(
        "SELECT partition, first, last FROM raw.batch, unnest(partitions, first_offsets, last_offsets) "
        "AS r (partition, first, last) ORDER BY partition, first").fetchall()
    reached = dict.fromkeys(topic, 0)
    for partition, first, last in ranges:
        assert first == reached[partition], (partition, first, last, reached)
        reached[partition] = last + 1
    assert reached == {p: len(messages) for p, messages in topic.items()}
    expected = {p: (len(m), len(m) - sum(d[0] == p for d in duplicates) - sum(u[0] == p for u in unusable),
                    sum(d[0] == p for d in duplicates), sum(u[0] == p for u in unusable)) for p, m in topic.items()}
    assert {p: tuple(rest) for p, *rest in connection.execute(
        "SELECT partition, next_offset, events, duplicates, dead_letters FROM raw.kafka_offset").fetchall()} == expected
    sums = connection.execute("SELECT sum(messages), sum(events), sum(duplicates), sum(dead_letters) FROM raw.batch")
    assert sums.fetchone() == tuple(map(sum, zip(*expected.values())))


def check(platform, sent):
    """`sent`: the (key, value) pairs that a producer has given to Kafka, each acknowledged once."""
    topic = read_topic(platform)
    written = collections.Counter(digest(key, value) for messages in topic.values() for key, value in messages)
    assert written == collections.Counter(digest(key.encode(), value) for key, value in sent)
    firsts, duplicates, unusable = expect(topic)
    with psycopg.connect(platform.postgres) as connection:
        places = read_payloads(connection, topic)
        steps, geos = check_core(connection, firsts, places, duplicates)
        check_apart(connection, places, duplicates, unusable, topic)
        check_demand(connection, steps, geos)
        check_ledger(connection)
        check_batches(connection, topic, duplicates, unusable)
