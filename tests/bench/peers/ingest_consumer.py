"""Order events from Kafka into Postgres, exactly once: the peer of ingest in its benchmark, written as one would in
Python for speed. Offsets are in the transaction of the rows; (order_id, event_type) decides what is a duplicate; hourly
counts per H3 cell are kept, original messages too, and unusable ones apart.
Usage: ingest_consumer.py BROKERS TOPIC PARTITIONS PROCESSES CONNINFO NUMBER; process NUMBER of PROCESSES reads each
PROCESSES-th partition. The tables are those of ingest_consumer.sql."""
import collections
import datetime as dt
import gc
import struct
import sys
import time

import h3
import orjson
import psycopg
import zstandard
from confluent_kafka import Consumer, KafkaException, TopicPartition

BATCH_MESSAGES = 20_000
BATCH_WAIT_S = 0.2
POLL_MESSAGES = 5000
ID_MAX_BYTES = 200
RESOLUTION = 7
FUTURE_MAX = dt.timedelta(seconds=300)
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
CELLS_MAX = 1_000_000
TYPES = frozenset(["order_created", "order_accepted", "order_picked_up", "order_delivered", "order_cancelled"])
VERTICALS = frozenset(["restaurant", "goods"])
COLUMNS = ("order_id, event_type, occurred_at, batch_id, message_no, geo, lat, lon, vertical, event_id, branch_id, "
           "customer_id, total_amount, currency")
NUMERIC = frozenset("0123456789.")
HEADER = struct.Struct("<iqI")
cells = {}


class Unusable(Exception):
    pass


def cell(lat, lon):
    found = cells.get((lat, lon))
    if found is None:
        if not (type(lat) in (int, float) and type(lon) in (int, float) and -90 <= lat <= 90 and -180 <= lon <= 180):
            raise Unusable("location")
        if len(cells) >= CELLS_MAX:
            cells.clear()
        found = cells[lat, lon] = h3.latlng_to_cell(lat, lon, RESOLUTION)
    return found


def text(event, name):
    """A string for COPY's text format, or \\N."""
    value = event.get(name)
    if value is None:
        return "\\N"
    if type(value) is not str or not 0 < len(value) <= ID_MAX_BYTES:
        raise Unusable(name)
    return value


def escaped(value):
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def read(value, message_no, batch_id, latest):
    """The COPY line of the message, its identity, and what it adds to demand (or None)."""
    event = orjson.loads(value)
    try:
        event_id, event_type, order_id, at = event["event_id"], event["event_type"], event["order_id"], event["occurred_at"]
    except (KeyError, TypeError):
        raise Unusable("field missing") from None
    if event_type not in TYPES or type(event_id) is not str or type(order_id) is not str or \
            not 0 < len(event_id) <= ID_MAX_BYTES or not 0 < len(order_id) <= ID_MAX_BYTES:
        raise Unusable("identity")
    when = dt.datetime.fromisoformat(at)
    if when.tzinfo is None or not EARLIEST <= when <= latest:
        raise Unusable("time")
    vertical = event.get("vertical")
    if vertical not in VERTICALS:
        vertical = "unknown"
    branch, customer = text(event, "branch_id"), text(event, "customer_id")
    location = event.get("location")
    if location is not None:
        lat, lon = location["lat"], location["lon"]
        geo = cell(lat, lon)
    elif branch == "\\N":
        raise Unusable("no place")
    else:
        lat = lon = geo = "\\N"
    total = event.get("total")
    amount = currency = "\\N"
    if total is not None:
        amount, currency = total["amount"], total["currency"]
        if not NUMERIC.issuperset(amount) or len(currency) != 3:
            raise Unusable("total")
    if b"\\" in value:  # else no text holds what COPY would take for its own
        order_id, event_id, branch, customer = escaped(order_id), escaped(event_id), \
            branch if branch == "\\N" else escaped(branch), customer if customer == "\\N" else escaped(customer)
    line = (f"{order_id}\t{event_type}\t{at}\t{batch_id}\t{message_no}\t{geo}\t{lat}\t{lon}\t{vertical}\t{event_id}\t{branch}\t"
            f"{customer}\t{amount}\t{currency}")
    demand = None
    if event_type == "order_created" and geo != "\\N":
        demand = geo, at[:13] if at.endswith("Z") else when.astimezone(dt.timezone.utc).isoformat()[:13], vertical
    return line, (order_id, event_type, event_id), demand


class Loader:
    def __init__(self, conninfo, partitions):
        self.connection = psycopg.connect(conninfo)
        self.zstd = zstandard.ZstdCompressor(level=1)
        self.partitions = partitions
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO peer.kafka_offset VALUES (%s, 0) ON CONFLICT DO NOTHING",
                               [(p,) for p in partitions])
            cursor.execute("CREATE TEMP TABLE staging (LIKE peer.order_event) ON COMMIT DELETE ROWS")

    def offsets(self):
        with self.connection.transaction():
            return self.connection.execute("SELECT partition, next_offset FROM peer.kafka_offset WHERE partition = ANY(%s)",
                                           [self.partitions]).fetchall()

    def store(self, messages):
        with self.connection.transaction(), self.connection.cursor() as cursor:
            self.write(cursor, messages)

    def write(self, cursor, messages):
        batch_id, = cursor.execute("SELECT nextval('peer.batch_id')").fetchone()
        latest = dt.datetime.now(dt.timezone.utc) + FUTURE_MAX
        lines, identities, demands, dead, raw = [], {}, {}, [], []
        first, last = {}, {}
        for number, message in enumerate(messages):
            value, partition, offset = message.value() or b"", message.partition(), message.offset()
            raw += HEADER.pack(partition, offset, len(value)), value
            first.setdefault(partition, offset)
            last[partition] = offset
            try:
                line, identities[number], demand = read(value, number, batch_id, latest)
            except (ValueError, TypeError, KeyError, AttributeError, Unusable) as fault:
                dead.append((batch_id, partition, offset, str(fault), value))
                continue
            lines.append(line)
            if demand:
                demands[number] = demand
        payload = self.zstd.compress(b"".join(raw))
        with cursor.copy(f"COPY staging ({COLUMNS}) FROM STDIN") as copy:
            copy.write("\n".join(lines) + "\n" if lines else "")
        recorded = {number for number, in cursor.execute(
            f"INSERT INTO peer.order_event ({COLUMNS}) SELECT {COLUMNS} FROM staging ORDER BY message_no "
            "ON CONFLICT (order_id, event_type) DO NOTHING RETURNING message_no", binary=True)}
        twice = identities.keys() - recorded
        with cursor.copy("COPY peer.duplicate_event FROM STDIN") as copy:
            for number in twice:
                copy.write_row((batch_id, number, *identities[number]))
        with cursor.copy("COPY peer.dead_letter FROM STDIN WITH (FORMAT binary)") as copy:
            copy.set_types(["int8", "int4", "int8", "text", "bytea"])
            for row in dead:
                copy.write_row(row)
        sums = collections.Counter(demand for number, demand in demands.items() if number in recorded)
        # In the order of the key, so that processes lock rows in one order.
        keys = sorted(sums)
        cursor.execute(
            "INSERT INTO peer.demand_hourly AS d SELECT geo, hour::timestamptz, vertical::peer.vertical, orders "
            "FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS a (geo, hour, vertical, orders) "
            "ON CONFLICT (geo, hour_utc, vertical) DO UPDATE SET orders = d.orders + excluded.orders",
            ([k[0] for k in keys], [k[1] + ":00Z" for k in keys], [k[2] for k in keys], [sums[k] for k in keys]))
        cursor.execute("INSERT INTO peer.batch VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                       (batch_id, list(first), list(first.values()), list(last.values()), len(messages), len(recorded),
                        len(twice), len(dead)))
        cursor.execute("INSERT INTO peer.batch_payload VALUES (%s, %b)", (batch_id, payload))
        cursor.execute("UPDATE peer.kafka_offset k SET next_offset = a.next_offset FROM unnest(%s::int[], %s::bigint[]) "
                       "AS a (partition, next_offset) WHERE k.partition = a.partition",
                       (list(last), [offset + 1 for offset in last.values()]))


def main():
    brokers, topic, partitions, processes, conninfo, number = sys.argv[1:]
    gc.disable()  # nothing here makes cycles
    loader = Loader(conninfo, list(range(int(number), int(partitions), int(processes))))
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "python", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "queued.min.messages": 1_000_000,
                         "queued.max.messages.kbytes": 262_144, "fetch.message.max.bytes": 4_194_304})
    consumer.assign([TopicPartition(topic, p, offset) for p, offset in loader.offsets()])
    batch, begun = [], 0.0
    while True:
        left_s = begun + BATCH_WAIT_S - time.monotonic() if batch else BATCH_WAIT_S
        messages = consumer.consume(min(POLL_MESSAGES, BATCH_MESSAGES - len(batch)), max(0.0, left_s))
        if messages and not batch:
            begun = time.monotonic()
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        batch += messages
        if len(batch) == BATCH_MESSAGES or batch and time.monotonic() >= begun + BATCH_WAIT_S:
            loader.store(batch)
            batch = []


main()
