#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/ingest.h"
#include "services/ingest/orders/raw_payload.h"
#include "services/ingest/privacy/erasure.h"
#include "tests/integration/services/ingest/ingest_database.h"
#include "tests/integration/support/test_servers.h"

#define ANA "Ana/Mar\303\255a 77"
#define AT "2026-06-01T10:15:00Z"

enum { EXPANDED_MAX_BYTES = 1 << 24 };

static Ingest ingest;
static const JobKind kinds[] = {{ERASURE_JOB_KIND, erasure_run}, {0}};
static int64_t next_offset;
static OrderBatch *batch;

static void begin(void)
{
    ingest_database_begin();
    ingest.postgres = ingest_database.pool;
    ingest.config.kafka_brokers = test_server("RUSHCAST_TEST_KAFKA");
    ingest.config.kafka_topic = "erasure.no.such.topic";
    batch = order_batch_new();
}

static void end(void)
{
    order_batch_free(batch);
    ingest_database_end();
}

TestSuite(erasure, .init = begin, .fini = end);

static void add(const char *json)
{
    ingest_batch_add(batch, 0, next_offset, next_offset, json);
    next_offset++;
}

static void add_order(const char *order_id, const char *customer_id)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"event_id\":\"e-%s\",\"event_type\":\"order_created\",\"order_id\":\"%s\",\"occurred_at\":\"" AT "\","
             "\"customer_id\":\"%s\",\"phone\":\"+54 of %s\",\"location\":{\"lat\":-32.9442,\"lon\":-60.6505},"
             "\"total\":{\"amount\":\"1234.50\",\"currency\":\"ARS\"}}",
             order_id, order_id, customer_id, customer_id);
    add(json);
}

static StoreResult commit(void)
{
    StoreResult result = ingest_batch_commit(batch, next_offset);
    order_batch_clear(batch);
    return result;
}

static int64_t request(const char *customer_id)
{
    Error err = {0};
    int64_t job_id;
    cr_assert(erasure_request(ingest_database.connection, customer_id, &job_id, &err), "%s", err.message);
    return job_id;
}

/* One attempt at what is due; returns whether there was anything. */
static bool work(void)
{
    Error err = {0};
    bool taken;
    cr_assert(jobs_step(ingest.postgres, kinds, &ingest, &taken, &err), "%s", err.message);
    return taken;
}

static const char *state_of(int64_t job_id)
{
    static char state[64];
    PGresult *row =
        PQexec(pg_handle(ingest_database.connection), "SELECT state, job_id, error FROM raw.job ORDER BY job_id");
    state[0] = '\0';
    for (int i = 0; i < PQntuples(row); i++) {
        if (strtoll(PQgetvalue(row, i, 1), NULL, 10) == job_id)
            snprintf(state, sizeof state, "%s", PQgetvalue(row, i, 0));
    }
    PQclear(row);
    return state;
}

static int64_t result_of(int64_t job_id, const char *path)
{
    return ingest_database_number("SELECT (result #>> '{%s}')::int FROM raw.job WHERE job_id = %lld", path,
                                  (long long)job_id);
}

static int64_t erase(const char *customer_id)
{
    int64_t job_id = request(customer_id);
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "done");
    return job_id;
}

static void execute(const char *sql)
{
    Error err = {0};
    cr_assert(pg_command(ingest_database.connection, sql, &err), "%s", err.message);
}

/* In how many original messages of the kept payloads the text occurs. */
static int64_t in_payloads(const char *text)
{
    PGresult *rows =
        PQexecParams(pg_handle(ingest_database.connection), "SELECT payload FROM raw.batch_payload ORDER BY batch_id",
                     0, NULL, NULL, NULL, NULL, 1);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK);
    int64_t found = 0;
    Buffer payload;
    Error err;
    buffer_init(&payload, EXPANDED_MAX_BYTES);
    for (int i = 0; i < PQntuples(rows); i++) {
        RawMessage message;
        cr_assert(raw_payload_expand(PQgetvalue(rows, i, 0), (size_t)PQgetlength(rows, i, 0), &payload, &err));
        for (size_t at = 0; raw_payload_next(&payload, &at, &message);)
            found += memmem(message.data, message.length_bytes, text, strlen(text)) != NULL;
    }
    buffer_fini(&payload);
    PQclear(rows);
    return found;
}

/* In how many rows of all tables the text occurs, in bytes too, but for compressed payloads. */
static int64_t in_tables(const char *text)
{
    return ingest_database_number(
        "SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %%I.%%I t"
        "                  WHERE strpos(t::text, %%L) > 0 OR strpos(t::text, %%L) > 0', schemaname, tablename, '%s',"
        "                  encode('%s'::text::bytea, 'hex')), false, true, '')))[1]::text::int)"
        " FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        text, text);
}

static int64_t demand(void)
{
    return ingest_database_number("SELECT coalesce(sum(orders), 0) FROM core.demand_hourly");
}

Test(erasure, takes_a_customer_out_of_everything_and_leaves_the_totals)
{
    add_order("o1", ANA);
    add_order("o2", "Bob");
    add("junk of " ANA " and her telephone");
    add("{\"customer_id\":\"\\u0041na/Mar\\u00eda 77\",\"event_id\":\"e9\",\"phone\":\"555\"}");
    add("junk of Bob");
    commit();
    add_order("o3", "Bob");
    commit();
    add_order("o4", ANA);
    add_order("o4", ANA);
    commit();
    int64_t orders = demand();
    int64_t amounts = ingest_database_number("SELECT sum(total_amount) FROM core.order_event");
    int64_t bobs = in_payloads("Bob");
    cr_assert_eq(in_payloads(ANA), 4);

    int64_t job_id = erase(ANA);
    cr_assert_eq(result_of(job_id, "erased,raw_messages"), 5);
    cr_assert_eq(result_of(job_id, "erased,raw_batches"), 2);
    cr_assert_eq(result_of(job_id, "erased,order_events"), 2);
    cr_assert_eq(result_of(job_id, "erased,dead_letters"), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job WHERE result @> '{\"found\": true}'"), 1);
    cr_assert_eq(in_payloads(ANA) + in_payloads("77\"") + in_tables(ANA), 0);
    cr_assert_eq(in_payloads("555"), 0, "what a faulty message says of her is gone too");
    cr_assert_eq(in_payloads("Bob"), bobs);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event WHERE customer_id = 'Bob'"), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE erased_at IS NOT NULL"), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE payload = 'junk of Bob'"), 1);
    cr_assert_eq(demand(), orders);
    cr_assert_eq(ingest_database_number("SELECT sum(total_amount) FROM core.order_event"), amounts);
    cr_assert_eq(ingest_database_number("SELECT sum(messages) FROM raw.batch"), next_offset);
    cr_assert_eq(in_payloads("\"amount\":\"1234.50\""), 5, "totals can be computed again");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.batch WHERE source = 'erasure'"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.batch_payload WHERE cardinality(customers) = 0"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM personal.erasure_batch"), 0);
}

Test(erasure, strips_what_comes_later)
{
    erase(ANA);
    add_order("o1", ANA);
    add_order("o2", "Bob");
    add("junk of " ANA);
    add("{\"customer_id\":\"\\u0041na/Mar\\u00eda 77\",\"event_id\":\"e9\",\"phone\":\"555\"}");
    StoreResult result = commit();
    cr_assert(result.events == 2 && result.dead_letters == 2);
    cr_assert_eq(in_payloads(ANA) + in_payloads("555") + in_tables(ANA), 0);
    cr_assert_eq(in_payloads("Bob"), 1);
    cr_assert_eq(demand(), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE erased_at IS NOT NULL"), 2);
    cr_assert_eq(ingest_database_number("SELECT cardinality(customers) FROM raw.batch_payload"), 1);
}

Test(erasure, strips_a_batch_that_was_ready_before_it_began)
{
    Error err = {0};
    StoreResult result;
    add_order("o1", ANA);
    cr_assert(order_batch_pack(batch, &err), "%s", err.message);
    erase(ANA);
    PartitionEnds ends = {.count = 0};
    cr_assert(order_store_commit(ingest_database.store, batch, &ends, &result, &err), "%s", err.message);
    cr_assert_eq(result.events, 1);
    cr_assert_eq(in_payloads(ANA) + in_tables(ANA), 0);
}

Test(erasure, waits_for_a_transaction_that_began_before_it)
{
    Error err = {0};
    PgConnection *writer;
    cr_assert(pg_acquire(ingest_database.pool, 5000, &writer, &err), "%s", err.message);
    cr_assert(pg_begin(writer, &err) && privacy_filter_hold(ingest_database.privacy, writer, &err), "%s", err.message);
    int64_t job_id = request(ANA);
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "queued", "it comes again later");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM personal.tombstone"), 0);
    cr_assert_eq(ingest_database_number("SELECT failures FROM raw.job"), 0);
    static const char store[] =
        "INSERT INTO raw.batch (batch_id, commit_seq, source, messages, events, duplicates, dead_letters)"
        " VALUES (nextval('raw.batch_id'), nextval('raw.commit_seq'), 'kafka', 1, 1, 0, 0);"
        "INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no, vertical, event_id,"
        " customer_id) VALUES ('o', 'order_created', now(), currval('raw.batch_id'), 0, 'goods', 'e', '" ANA "')";
    cr_assert(pg_command(writer, store, &err) && pg_commit(writer, &err), "%s", err.message);
    pg_release(writer);
    execute("UPDATE raw.job SET due_at = now()");
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "done");
    cr_assert_eq(result_of(job_id, "erased,order_events"), 1);
    cr_assert_eq(in_tables(ANA), 0);
}

Test(erasure, goes_on_where_it_was_broken_off)
{
    for (int i = 0; i < 3; i++) {
        char order_id[32];
        snprintf(order_id, sizeof order_id, "o%d", i);
        add_order(order_id, ANA);
        commit();
    }
    execute("CREATE TABLE aside AS SELECT * FROM raw.batch_payload WHERE batch_id = 2;"
            "UPDATE raw.batch_payload SET payload = 'broken' WHERE batch_id = 2");
    int64_t job_id = request(ANA);
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "queued");
    cr_assert_eq(result_of(job_id, "erased,raw_messages"), 1);
    cr_assert_eq(result_of(job_id, "after"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event WHERE customer_id IS NULL"), 1,
                 "what a part did and that it was done become true together");
    execute("UPDATE raw.batch_payload p SET payload = a.payload FROM aside a WHERE a.batch_id = p.batch_id;"
            "DROP TABLE aside; UPDATE raw.job SET due_at = now()");
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "done");
    cr_assert_eq(result_of(job_id, "erased,raw_messages"), 3);
    cr_assert_eq(result_of(job_id, "erased,order_events"), 3);
    cr_assert_eq(in_payloads(ANA) + in_tables(ANA), 0);
}

Test(erasure, compares_the_id_where_the_index_has_only_its_hash)
{
    add_order("o1", "Bob");
    commit();
    OrderText id = {.data = ANA, .length_bytes = strlen(ANA)};
    char sql[256];
    snprintf(sql, sizeof sql, "UPDATE raw.batch_payload SET customers = '{%lld}'", (long long)order_customer_hash(id));
    execute(sql);
    int64_t job_id = erase(ANA);
    cr_assert_eq(result_of(job_id, "erased,raw_messages"), 0);
    cr_assert_eq(in_payloads("\"customer_id\":\"Bob\",\"phone\""), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event WHERE customer_id = 'Bob'"), 1);
}

Test(erasure, finds_what_no_index_leads_to)
{
    add_order("o1", ANA);
    commit();
    add("junk of " ANA);
    commit();
    execute("DELETE FROM raw.batch_payload WHERE batch_id = 1; DELETE FROM raw.dead_letter");
    int64_t job_id = erase(ANA);
    cr_assert_eq(result_of(job_id, "erased,order_events"), 1, "orders whose original message has expired");
    cr_assert_eq(result_of(job_id, "erased,raw_messages"), 1, "faulty messages whose dead letter has expired");
    cr_assert_eq(in_payloads(ANA) + in_tables(ANA), 0);
}

Test(erasure, is_one_job_while_it_runs_and_forgets_the_id_afterwards)
{
    int64_t job_id = request(ANA);
    cr_assert_eq(request(ANA), job_id);
    cr_assert_neq(request("Bob"), job_id);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job j WHERE strpos(j::text, 'Ana') > 0"), 0,
                 "those who read jobs do not read the id");
    cr_assert_eq(in_tables(ANA), 1);
    cr_assert(work() && work());
    cr_assert_eq(in_tables(ANA), 0);
    cr_assert_gt(request(ANA), job_id, "it can be asked for again");
}

Test(erasure, of_an_unknown_customer_says_so_and_leaves_a_tombstone)
{
    erase(ANA);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job WHERE result @> '{\"found\": false}'"), 1);
    cr_assert_eq(ingest_database_number("SELECT personal.is_erased('" ANA "')::int"), 1, "in SQL it is the same hash");
    cr_assert_eq(ingest_database_number("SELECT personal.is_erased('Bob')::int"), 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.batch"), 0);
    cr_assert_geq(ingest_database_number("SELECT jsonb_array_length(result -> 'expires') FROM raw.job"), 3);
    erase(ANA);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM personal.tombstone"), 1);
}

Test(erasure, ends_after_the_files_that_may_name_the_customer)
{
    execute(
        "CREATE TABLE IF NOT EXISTS raw.backfill_chunk (job_id bigint, first_line bigint, lines bigint, content bytea);"
        "INSERT INTO raw.job (kind, parameters, state, due_at) VALUES ('backfill', '{}', 'queued', 'infinity');"
        "INSERT INTO raw.backfill_chunk (job_id, first_line, lines, content) SELECT job_id, 1, 1, '' FROM raw.job");
    int64_t job_id = request(ANA);
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "queued");
    cr_assert_eq(ingest_database_number("SELECT failures FROM raw.job WHERE kind = 'erasure'"), 0);
    execute("DELETE FROM raw.backfill_chunk; UPDATE raw.job SET due_at = now() WHERE kind = 'erasure'");
    cr_assert(work());
    cr_assert_str_eq(state_of(job_id), "done");
}

/* Tables as mapping files make them. */
Test(erasure, takes_a_customer_out_of_the_companys_things)
{
    execute(
        "DROP TABLE IF EXISTS raw.quarantine, raw.entity CASCADE;"
        "CREATE TABLE raw.entity (entity text, parent text, subject text);"
        "CREATE TABLE raw.quarantine (key jsonb, detail text, missing_key text, change jsonb, original text,"
        " resolved_at timestamptz, resolution text);"
        "CREATE TABLE core.customer (customer_id text PRIMARY KEY, extra jsonb, city text);"
        "CREATE TABLE core.customer_history (customer_id text, extra jsonb, city text);"
        "CREATE TABLE personal.customer (customer_id text PRIMARY KEY REFERENCES core.customer, full_name text);"
        "CREATE TABLE core.address (customer_id text, position bigint, zip text, PRIMARY KEY (customer_id, position));"
        "CREATE TABLE core.address_history (customer_id text, position bigint, zip text);"
        "CREATE TABLE core.sale (order_id text PRIMARY KEY, extra jsonb, customer_id text, amount bigint);"
        "CREATE TABLE core.sale_history (order_id text, extra jsonb, customer_id text, amount bigint);"
        "CREATE TABLE personal.sale (order_id text PRIMARY KEY REFERENCES core.sale, phone text);"
        "INSERT INTO raw.entity VALUES ('customer', NULL, 'customer_id'), ('address', 'customer', NULL),"
        " ('sale', NULL, 'customer_id'), ('product', NULL, NULL), ('not_made_yet', NULL, 'customer_id');");
    execute(
        "INSERT INTO core.customer VALUES ('" ANA "', '{\"name\": \"Ana\"}', 'Rosario'), ('Bob', '{}', 'Rosario');"
        "INSERT INTO core.customer_history SELECT * FROM core.customer;"
        "INSERT INTO personal.customer SELECT customer_id, 'name of ' || customer_id FROM core.customer;"
        "INSERT INTO core.address SELECT customer_id, 0, 'S2000' FROM core.customer;"
        "INSERT INTO core.address_history SELECT * FROM core.address;"
        "INSERT INTO core.sale VALUES ('o1', '{}', '" ANA "', 5), ('o2', '{\"to\": \"Bob\"}', 'Bob', 7);"
        "INSERT INTO core.sale_history SELECT * FROM core.sale;"
        "INSERT INTO personal.sale SELECT order_id, 'phone of ' || customer_id FROM core.sale;"
        "INSERT INTO raw.quarantine SELECT to_jsonb(ARRAY[order_id]), 'no ' || customer_id, customer_id, to_jsonb(s),"
        " to_jsonb(s)::text FROM core.sale s");
    int64_t bobs = in_tables("Bob");
    int64_t job_id = erase(ANA);
    cr_assert_eq(result_of(job_id, "erased,things"), 7);
    cr_assert_eq(in_tables(ANA) + in_tables("Ana"), 0);
    cr_assert_eq(in_tables("Bob"), bobs);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.customer WHERE city = 'Rosario'"), 2);
    cr_assert_eq(ingest_database_number("SELECT sum(amount) FROM core.sale"), 12);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.sale WHERE customer_id IS NULL"), 1);
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM core.customer c JOIN core.customer_history USING (customer_id)"
                               " WHERE customer_id LIKE 'erased-%%'"),
        1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.quarantine WHERE resolved_at IS NULL"), 1);
}

Test(erasure, is_known_to_a_process_that_starts_later)
{
    erase(ANA);
    erase("Bob");
    PrivacyFilter *filter = privacy_filter_new();
    Error err = {0};
    cr_assert_not(privacy_filter_knows(filter, "Bob", 3));
    cr_assert(pg_begin(ingest_database.connection, &err), "%s", err.message);
    cr_assert(privacy_filter_hold(filter, ingest_database.connection, &err), "%s", err.message);
    cr_assert(privacy_filter_knows(filter, "Bob", 3) && privacy_filter_knows(filter, ANA, strlen(ANA)));
    cr_assert_not(privacy_filter_knows(filter, "Eve", 3));
    pg_rollback(ingest_database.connection);
    privacy_filter_free(filter);
}
