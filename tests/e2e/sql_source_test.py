"""The company's database, written to all the while, into the warehouse; with ingest killed in between."""
import os
import random
import threading

import psycopg
import pytest

from platform_under_test import TOP, Platform, wait_until

TABLES = {
    "customer": "customer_id, city, created_at, updated_at",
    "product": "sku, name, vertical, unit_price, updated_at",
    "inventory": "branch_id, sku, quantity, updated_at",
    "sale": "order_id, customer_id, branch_id, amount, currency, sold_at, updated_at",
    "business_event": "business_event_id, kind, city, description, starts_at, ends_at, updated_at",
}
CUSTOMERS, PRODUCTS = 2000, 50


class Company:
    """The source: the tables of the simulated company, in a database of its own."""

    def __init__(self, server, name):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        self.address = server.replace("dbname=postgres", f"dbname={name}")
        self.connection = psycopg.connect(self.address, autocommit=True)
        self.run((TOP / "cli/sql/create_company.sql").read_text())
        self.run(f"""INSERT INTO customer SELECT 'C' || i, 'Name ' || i, 'c' || i || '@example.com', 'Rosario', now(), now()
                     FROM generate_series(1, {CUSTOMERS}) i""")
        self.run(f"""INSERT INTO product SELECT 'sku-' || i, 'Thing ' || i, 'goods', i * 1.25, now()
                     FROM generate_series(1, {PRODUCTS}) i""")
        self.run("INSERT INTO inventory SELECT 'branch-1', sku, 100, now() FROM product")
        self.run("""INSERT INTO business_event (kind, city, description, starts_at, ends_at, updated_at)
                    VALUES ('outage', 'Rosario', 'The app was down', now() - interval '1 hour', now(), now())""")

    def run(self, sql, *parameters):
        self.connection.execute(sql, parameters or None)

    def rows(self, table):
        return self.connection.execute(f"SELECT {TABLES[table]} FROM {table} ORDER BY 1, 2").fetchall()


class Writer(threading.Thread):
    """Sells, restocks, renames and deletes until it is stopped."""

    def __init__(self, address):
        super().__init__()
        self.address, self.stopped, self.sales = address, threading.Event(), 0

    def run(self):
        rng = random.Random(11)
        with psycopg.connect(self.address) as connection:
            while not self.stopped.is_set():
                self.sales += 1
                customer, sku = f"C{rng.randint(1, CUSTOMERS)}", f"sku-{rng.randint(1, PRODUCTS)}"
                connection.execute("INSERT INTO sale VALUES (%s, %s, 'branch-1', 9.90, 'ARS', now(), now())",
                                   (f"order-{self.sales}", customer))
                connection.execute("UPDATE inventory SET quantity = quantity + 1, updated_at = now() WHERE sku = %s", (sku,))
                if self.sales % 10 == 0:
                    connection.execute("UPDATE customer SET city = city || '+', updated_at = now() WHERE customer_id = %s",
                                       (customer,))
                if self.sales % 7 == 0:
                    connection.execute("DELETE FROM sale WHERE order_id = %s", (f"order-{self.sales - 3}",))
                connection.commit()
                self.stopped.wait(0.002)

    def end(self):
        self.stopped.set()
        self.join()


@pytest.fixture(scope="module")
def company():
    return Company(os.environ["RUSHCAST_TEST_POSTGRES"], "sql_source_company")


@pytest.fixture(scope="module")
def platform(tmp_path_factory, company):
    platform = Platform("sql_source", tmp_path_factory.mktemp("platform"), RUSHCAST_SOURCE_SQL=company.address,
                        RUSHCAST_SOURCE_SQL_SLOT="sql_source_e2e")
    writer = Writer(company.address)
    writer.start()
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform, writer
    writer.end()
    platform.stop_all()
    wait_until("the slot to be free", lambda: not company.connection.execute(
        "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'sql_source_e2e' AND active").fetchall())
    company.run("SELECT pg_drop_replication_slot('sql_source_e2e')")


def source(platform):
    return next(s for s in platform.json("ingest", "/sources")["sources"] if s["name"] == "company-sql")


def connected(platform):
    return wait_until("the source to be caught up", lambda: source(platform)["state"] == "connected")


def is_equal(platform, company):
    return all(platform.query(f"SELECT {columns} FROM core.{table} ORDER BY 1, 2") == company.rows(table)
               for table, columns in TABLES.items())


def test_the_warehouse_follows_the_company_through_a_kill(platform, company):
    platform, writer = platform
    connected(platform)
    for _ in range(2):
        sold = writer.sales
        wait_until("more sales", lambda: writer.sales > sold + 300)
        platform.kill("ingest")
        sold = writer.sales
        wait_until("sales that nobody reads", lambda: writer.sales > sold + 100)
        platform.start("ingest")
        platform.wait_ready("ingest")
    connected(platform)
    writer.end()
    wait_until("all to be recorded", lambda: is_equal(platform, company))
    assert platform.scalar("SELECT count(*) FROM raw.quarantine WHERE resolved_at IS NULL") == 0
    # Each sale was recorded once, those deleted before the snapshot aside, and each deletion too.
    recorded, orders, deleted = platform.query("""SELECT count(*) FILTER (WHERE NOT deleted), count(DISTINCT order_id),
        count(*) FILTER (WHERE deleted) FROM core.sale_history""")[0]
    assert recorded == orders and recorded - deleted == len(company.rows("sale"))
    assert 0 <= writer.sales // 7 - deleted == writer.sales - recorded
    # Of each stock every state: it grows by one each time.
    assert platform.scalar("""SELECT count(*) FROM (SELECT quantity, lag(quantity) OVER
        (PARTITION BY branch_id, sku ORDER BY batch_id, change_no) AS was FROM core.inventory_history) h
        WHERE was IS NOT NULL AND quantity <> was + 1""") == 0


def test_names_are_kept_apart(platform):
    platform, _ = platform
    assert platform.scalar("SELECT count(*) FROM personal.customer WHERE email LIKE '%%@example.com'") == CUSTOMERS
    assert platform.scalar("""SELECT count(*) FROM information_schema.columns
                              WHERE table_schema = 'core' AND column_name IN ('email', 'full_name')""") == 0


def test_the_source_tells_how_it_is(platform):
    platform, _ = platform
    wait_until("the source's log to be looked at", lambda: source(platform)["lag_bytes"] is not None)
    told = source(platform)
    assert told["state"] == "connected" and told["mode"] == "stream" and told["problem"] is None
    assert told["position"].count("/") == 1
    assert told["retained_bytes"] >= 0 and told["last_change_at"] is not None
    assert "rushcast_ingest_sql_slot_lag_bytes" in platform.get("ingest", "/metrics").text


def test_a_snapshot_can_be_asked_for(platform, company):
    platform, _ = platform
    company.run("DELETE FROM product WHERE sku = 'none'")
    answer = platform.call("ingest", "POST", "/sources/company-sql/sync", json={"snapshot": True})
    assert answer.status_code == 202
    rows = sum(len(company.rows(table)) for table in TABLES)
    wait_until("the snapshot", lambda: source(platform)["snapshot"]["rows"] == rows)
    connected(platform)
    told = source(platform)
    assert told["snapshot"]["tables_done"] == len(TABLES)
    assert told["unchanged"] >= rows, "nothing is recorded twice"
    assert is_equal(platform, company)


def test_other_sources_cannot_be_asked(platform):
    platform, _ = platform
    assert platform.call("ingest", "POST", "/sources/orders/sync").status_code == 404
    assert platform.call("ingest", "POST", "/sources/company-documents/sync").status_code == 409
    assert platform.call("ingest", "POST", "/sources/company-sql/sync", json={"snapshot": 1}).status_code == 422
