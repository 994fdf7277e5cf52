"""A customer of the company's database is erased: what the database says of them later is not stored again."""
import os

import pytest

from erasure_test import Everything
from platform_under_test import Platform, wait_until
from sql_source_test import Company, connected

ID, NAME, EMAIL = "C-erika-77", "Erika Mustermann", "erika@example.org"
SLOT = "erased_things_e2e"


@pytest.fixture(scope="module")
def company():
    company = Company(os.environ["RUSHCAST_TEST_POSTGRES"], "erased_things_company")
    company.run("INSERT INTO customer VALUES (%s, %s, %s, 'Rosario', now(), now())", ID, NAME, EMAIL)
    company.run("""INSERT INTO sale SELECT 'order-' || i, CASE WHEN i % 2 = 0 THEN %s ELSE 'C1' END, 'branch-1', i, 'ARS',
                   now(), now() FROM generate_series(1, 10) i""".replace("% 2", "%% 2"), ID)
    return company


@pytest.fixture(scope="module")
def platform(tmp_path_factory, company):
    platform = Platform("erased_things", tmp_path_factory.mktemp("platform"), RUSHCAST_SOURCE_SQL=company.address,
                        RUSHCAST_SOURCE_SQL_SLOT=SLOT)
    platform.start("ingest")
    platform.wait_ready("ingest")
    yield platform
    platform.stop_all()
    wait_until("the slot to be free", lambda: not company.connection.execute(
        "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active", (SLOT,)).fetchall())
    company.run("SELECT pg_drop_replication_slot(%s)", SLOT)


def totals(platform):
    return platform.query("SELECT count(*), sum(amount) FROM core.sale")


def test_what_the_source_sends_again_is_not_stored_again(platform, company):
    everything = Everything(platform)
    connected(platform)
    wait_until("the sales to be recorded", lambda: totals(platform) == [(10, 55)])
    assert everything.mentioning(ID, NAME, EMAIL) == [
        "core.customer.customer_id", "core.customer_history.customer_id", "core.sale.customer_id",
        "core.sale_history.customer_id", "personal.customer.customer_id", "personal.customer.email",
        "personal.customer.full_name"]

    response = platform.call("ingest", "DELETE", f"/customers/{ID}/personal-data")
    assert response.status_code == 202, response.text
    wait_until("the erasure to be done",
               lambda: platform.json("ingest", response.headers["Location"])["state"] == "done")
    assert everything.mentioning(ID, NAME, EMAIL) == []
    assert totals(platform) == [(10, 55)]

    company.run("UPDATE customer SET city = 'Funes', updated_at = now() WHERE customer_id = %s", ID)
    company.run("UPDATE sale SET amount = amount + 100, updated_at = now() WHERE order_id = 'order-2'")
    company.run("UPDATE sale SET amount = -1, updated_at = now() WHERE order_id = 'order-4'")  # goes against a rule
    company.run("INSERT INTO sale VALUES ('order-11', %s, 'branch-1', 11, 'ARS', now(), now())", ID)
    wait_until("the new sale to be recorded", lambda: totals(platform) == [(11, 166)])
    assert everything.mentioning(ID, NAME, EMAIL) == []
    assert platform.scalar("SELECT count(*) FROM raw.quarantine") == 0


def test_a_new_snapshot_brings_nothing_back(platform, company):
    histories = platform.query("SELECT count(*) FROM core.sale_history")
    customers = platform.query("SELECT count(*) FROM core.customer")
    response = platform.call("ingest", "POST", "/sources/company-sql/sync", json={"snapshot": True})
    assert response.status_code == 202, response.text
    wait_until("the snapshot to be done", lambda: platform.logs["ingest"].read_text().count("sql_source.snapshot_done") == 2)
    connected(platform)
    assert Everything(platform).mentioning(ID, NAME, EMAIL) == []
    assert totals(platform) == [(11, 166)]
    assert platform.query("SELECT count(*) FROM core.sale_history") == histories
    assert platform.query("SELECT count(*) FROM core.customer") == customers, "one that was erased still counts"
