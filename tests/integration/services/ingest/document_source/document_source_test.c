#include <criterion/criterion.h>
#include <glib.h>
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "services/ingest/document_source/document_source.h"
#include "tests/integration/services/ingest/ingest_database.h"
#include "tests/integration/support/test_servers.h"

enum { HOURLY_S = 3600, OVERLAP_S = 60 };

static const char mapping_text[] =
    "{\"source\":\"company-documents\",\"version\":\"1\",\"entities\":[{\"entity\":\"shop\",\"from\":\"shops\","
    "\"description\":\"d\",\"owner\":\"o\",\"updated_at\":\"updated_at\",\"latitude\":\"lat\",\"longitude\":\"lon\","
    "\"columns\":["
    "{\"name\":\"shop_id\",\"from\":\"_id\",\"type\":\"text\",\"key\":true,\"description\":\"d\"},"
    "{\"name\":\"size\",\"type\":\"integer\",\"description\":\"d\"},"
    "{\"name\":\"lat\",\"from\":\"at.1\",\"type\":\"real\",\"description\":\"d\"},"
    "{\"name\":\"lon\",\"from\":\"at.0\",\"type\":\"real\",\"description\":\"d\"}],"
    "\"children\":[{\"entity\":\"shop_shelf\",\"from\":\"shelves\",\"description\":\"d\",\"columns\":["
    "{\"name\":\"label\",\"type\":\"text\",\"description\":\"d\"}]}]}]}";

static const char other_mapping_text[] =
    "{\"source\":\"company-documents\",\"version\":\"7\",\"entities\":[{\"entity\":\"locker\",\"from\":\"smart."
    "lockers\","
    "\"description\":\"d\",\"owner\":\"o\",\"updated_at\":\"audit.ms\",\"columns\":["
    "{\"name\":\"site\",\"from\":\"_id.site\",\"type\":\"text\",\"key\":true,\"description\":\"d\"},"
    "{\"name\":\"number\",\"from\":\"_id.number\",\"type\":\"integer\",\"key\":true,\"description\":\"d\"},"
    "{\"name\":\"open_since\",\"from\":\"dates.0\",\"type\":\"date\",\"description\":\"d\"},"
    "{\"name\":\"fee\",\"from\":\"prices.fee\",\"type\":\"decimal\",\"description\":\"d\"}]},"
    "{\"entity\":\"parcel\",\"from\":\"parcels\",\"description\":\"d\",\"owner\":\"o\",\"updated_at\":\"changed\","
    "\"columns\":[{\"name\":\"code\",\"type\":\"text\",\"key\":true,\"description\":\"d\"},"
    "{\"name\":\"live\",\"type\":\"boolean\",\"description\":\"d\"}],"
    "\"children\":[{\"entity\":\"parcel_tag\",\"from\":\"meta.tags\",\"description\":\"d\",\"columns\":["
    "{\"name\":\"tag\",\"from\":\".\",\"type\":\"text\",\"description\":\"d\"}]}]}]}";

static mongoc_client_t *client;
static char database[64], mapping_path[128];
static DocumentSource *source;
static SourceStatus status;
static DocumentSourceOptions options;
static int32_t geo_id;

static bool locate(void *context, double lat, double lon, int32_t *ret_geo_id, Error *err)
{
    (void)context;
    (void)err;
    cr_assert(lat == -32.5 && lon == -60.5);
    *ret_geo_id = geo_id;
    return true;
}

static void use_mapping(const char *text)
{
    g_file_set_contents(mapping_path, text, -1, NULL);
}

/* The source as after a start of the process. */
static void restart(void)
{
    if (source) {
        document_source_free(source);
        source_status_fini(&status);
    }
    source_status_init(&status, SOURCE_NOT_CONFIGURED);
    source = document_source_new(&options);
}

static void begin(void)
{
    ingest_database_begin();
    bson_error_t failure;
    const char *uri_text = test_server("RUSHCAST_TEST_MONGO");
    mongoc_uri_t *uri = mongoc_uri_new(uri_text);
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
    client = mongoc_client_new_from_uri(uri);
    mongoc_uri_destroy(uri);
    snprintf(database, sizeof database, "test_%d", (int)getpid());
    mongoc_database_t *fresh = mongoc_client_get_database(client, database);
    mongoc_database_drop(fresh, &failure);
    mongoc_database_destroy(fresh);
    snprintf(mapping_path, sizeof mapping_path, "%s/mapping-%d.json", test_server("RUSHCAST_TEST_FOLDER"),
             (int)getpid());
    use_mapping(mapping_text);
    geo_id = (int32_t)ingest_database_number(
        "INSERT INTO core.geo (geo, name, kind, timezone, country, parent_id)"
        " SELECT 'here', 'here', 'cell', 'UTC', '', geo_id FROM core.geo WHERE kind = 'all' RETURNING geo_id");
    options = (DocumentSourceOptions){.uri = uri_text,
                                      .database = database,
                                      .mapping = mapping_path,
                                      .overlap_s = OVERLAP_S,
                                      .sweep_every_s = HOURLY_S,
                                      .pool = ingest_database.pool,
                                      .status = &status,
                                      .locate = locate};
    restart();
}

static void end(void)
{
    document_source_free(source);
    source_status_fini(&status);
    mongoc_client_destroy(client);
    ingest_database_end();
}

TestSuite(document_source, .init = begin, .fini = end, .timeout = 120);

static void put_bson(const char *collection, const bson_t *document)
{
    bson_error_t failure;
    bson_iter_t id;
    bson_t selector = BSON_INITIALIZER, *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    mongoc_collection_t *handle = mongoc_client_get_collection(client, database, collection);
    cr_assert(bson_iter_init_find(&id, document, "_id"));
    bson_append_iter(&selector, "_id", -1, &id);
    cr_assert(mongoc_collection_replace_one(handle, &selector, document, upsert, NULL, &failure), "%s",
              failure.message);
    mongoc_collection_destroy(handle);
    bson_destroy(&selector);
    bson_destroy(upsert);
}

/* Extended JSON. */
static void put(const char *collection, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(const char *collection, const char *format, ...)
{
    va_list arguments;
    bson_error_t failure;
    va_start(arguments, format);
    char *json = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &failure);
    cr_assert_not_null(document, "%s: %s", json, failure.message);
    put_bson(collection, document);
    bson_destroy(document);
    g_free(json);
}

/* Shops named by number, all with the time of change. */
static void put_shops(int first, int count, const char *updated_at)
{
    bson_error_t failure;
    bson_t *document = bson_new_from_json((const uint8_t *)updated_at, -1, &failure);
    cr_assert_not_null(document, "%s", failure.message);
    mongoc_collection_t *handle = mongoc_client_get_collection(client, database, "shops");
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(handle, NULL);
    for (int i = first; i < first + count; i++) {
        bson_t shop = BSON_INITIALIZER;
        bson_iter_t value;
        char id[16];
        snprintf(id, sizeof id, "s%05d", i);
        bson_append_utf8(&shop, "_id", -1, id, -1);
        bson_append_int32(&shop, "size", -1, i);
        bson_iter_init_find(&value, document, "u");
        bson_append_iter(&shop, "updated_at", -1, &value);
        mongoc_bulk_operation_insert(bulk, &shop);
        bson_destroy(&shop);
    }
    cr_assert(mongoc_bulk_operation_execute(bulk, NULL, &failure), "%s", failure.message);
    mongoc_bulk_operation_destroy(bulk);
    mongoc_collection_destroy(handle);
    bson_destroy(document);
}

static void remove_shops(const char *selector_json)
{
    bson_error_t failure;
    bson_t *selector = bson_new_from_json((const uint8_t *)selector_json, -1, &failure);
    mongoc_collection_t *handle = mongoc_client_get_collection(client, database, "shops");
    cr_assert(mongoc_collection_delete_many(handle, selector, NULL, NULL, &failure), "%s", failure.message);
    mongoc_collection_destroy(handle);
    bson_destroy(selector);
}

static void step(void)
{
    Error err = {0};
    cr_assert(document_source_step(source, &err), "%s", err.message);
}

static void ask_and_step(bool snapshot, bool accept_deletes)
{
    Error err;
    cr_assert(source_status_ask(&status, snapshot, accept_deletes, &err), "%s", err.message);
    step();
}

#define COUNT(where) ingest_database_number("SELECT count(*) FROM " where)

#define JUNE(time) "{\"$date\":\"2026-06-01T" time "Z\"}"

Test(document_source, reads_all_first_and_then_what_changed)
{
    put("shops", "{\"_id\":\"a\",\"size\":1,\"at\":[-60.5,-32.5],\"shelves\":[{\"label\":\"x\"},{\"label\":\"y\"}],"
                 "\"updated_at\":" JUNE("10:00:00") "}");
    put("shops", "{\"_id\":\"b\",\"size\":\"2\",\"color\":\"red\",\"updated_at\":" JUNE("10:00:01") "}");
    step();
    cr_assert_eq(COUNT("core.shop"), 2);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'b' AND size = 2 AND extra = '{\"color\":\"red\"}'"), 1);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'a' AND valid_from = '2026-06-01T10:00:00Z'"), 1);
    cr_assert_eq(COUNT("core.shop_shelf WHERE shop_id = 'a'"), 2);
    cr_assert_eq(COUNT("core.branch_location WHERE branch_id = 'a' AND source = 'documents'"), 1);
    cr_assert_eq(COUNT("raw.schema_drift WHERE stream = 'shops' AND path = 'color' AND kind = 'unknown_field'"), 1);
    int64_t batches = COUNT("raw.batch");
    step();
    cr_assert_eq(COUNT("raw.batch"), batches, "nothing is new");
    put("shops", "{\"_id\":\"a\",\"size\":5,\"at\":[-60.5,-32.5],\"updated_at\":" JUNE("11:00:00") "}");
    put("shops", "{\"_id\":\"c\",\"updated_at\":" JUNE("12:00:00") "}");
    step();
    cr_assert_eq(COUNT("core.shop"), 3);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'a' AND size = 5"), 1);
    cr_assert_eq(COUNT("core.shop_history WHERE shop_id = 'a'"), 2);
    cr_assert_eq(COUNT("core.shop_shelf"), 0);
    cr_assert_eq(COUNT("core.shop_history WHERE shop_id = 'b'"), 1);
}

Test(document_source, an_overlap_finds_what_a_slow_clock_has_dated_back)
{
    put_shops(0, 10, "{\"u\":" JUNE("10:00:00") "}");
    step();
    put("shops", "{\"_id\":\"late\",\"size\":1,\"updated_at\":" JUNE("09:59:30") "}");
    put("shops", "{\"_id\":\"later\",\"size\":1,\"updated_at\":" JUNE("09:00:00") "}");
    step();
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'late'"), 1);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'later'"), 0, "that is beyond the overlap");
    cr_assert_eq(COUNT("core.shop_history"), 11, "what was read twice is recorded once");
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'later'"), 1, "the comparison of all keys finds it");
}

Test(document_source, pages_of_one_time_of_change_lose_nothing_whatever_the_ids)
{
    put_shops(0, 2500, "{\"u\":" JUNE("10:00:00") "}");
    for (int i = 0; i < 20; i++) {
        put("shops", "{\"_id\":%d,\"size\":%d,\"updated_at\":" JUNE("10:00:00") "}", i, i);
        put("shops", "{\"_id\":{\"$oid\":\"5f43a1b2c3d4e5f6012345%02d\"},\"updated_at\":" JUNE("10:00:00") "}", i);
    }
    put_shops(2500, 10, "{\"u\":" JUNE("10:00:00.001") "}");
    /* what the sweep would find must have been found before it */
    options.sweep_every_s = 1 << 30;
    restart();
    step();
    cr_assert_eq(COUNT("core.shop"), 2550);
    cr_assert_eq(COUNT("core.shop WHERE shop_id = '5f43a1b2c3d4e5f601234519'"), 1);
    cr_assert_eq(ingest_database_number("SELECT sum(events) FROM raw.batch WHERE source = 'company-documents'"), 2550);
    cr_assert_geq(COUNT("raw.batch WHERE source = 'company-documents'"), 3);
}

Test(document_source, a_restart_goes_on_from_the_position)
{
    put_shops(0, 1500, "{\"u\":" JUNE("10:00:00") "}");
    step();
    int64_t batches = COUNT("raw.batch");
    restart();
    step();
    cr_assert_eq(COUNT("raw.batch"), batches);
    cr_assert_eq(COUNT("core.shop_history"), 1500);
    put_shops(1500, 10, "{\"u\":" JUNE("10:00:02") "}");
    restart();
    step();
    cr_assert_eq(COUNT("core.shop"), 1510);
    cr_assert_eq(COUNT("core.shop_history"), 1510);
}

Test(document_source, other_times_of_change_are_read_too)
{
    put("shops", "{\"_id\":\"date\",\"updated_at\":" JUNE("10:00:00") "}");
    put("shops", "{\"_id\":\"text\",\"updated_at\":\"2026-06-01T10:00:00Z\"}");
    put("shops", "{\"_id\":\"number\",\"updated_at\":{\"$numberLong\":\"1780308000000\"}}");
    put("shops", "{\"_id\":\"none\",\"size\":1}");
    put("shops", "{\"_id\":\"word\",\"updated_at\":\"yesterday\"}");
    put("shops", "{\"_id\":\"future\",\"updated_at\":{\"$date\":\"2999-01-01T00:00:00Z\"}}");
    put("shops", "{\"_id\":\"list\",\"updated_at\":[" JUNE("10:00:00") "]}");
    step();
    cr_assert_eq(COUNT("core.shop"), 7);
    cr_assert_eq(COUNT("core.shop WHERE valid_from = '2026-06-01T10:00:00Z'"), 3);
    cr_assert_eq(COUNT("raw.schema_drift WHERE path = 'updated_at' AND kind = 'missing_field'"), 1);
    cr_assert_geq(COUNT("raw.schema_drift WHERE path = 'updated_at' AND kind = 'other_type'"), 3);
    put("shops", "{\"_id\":\"text\",\"size\":9,\"updated_at\":\"2026-06-01T11:00:00Z\"}");
    put("shops", "{\"_id\":\"number\",\"size\":9,\"updated_at\":{\"$numberLong\":\"1780308001000\"}}");
    put("shops", "{\"_id\":\"date\",\"size\":9,\"updated_at\":" JUNE("12:00:00") "}");
    put("shops", "{\"_id\":\"none\",\"size\":9}");
    step();
    cr_assert_eq(COUNT("core.shop WHERE size = 9"), 3, "all but the one without a time");
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.shop WHERE size = 9"), 4);
    cr_assert_eq(COUNT("core.shop"), 7);
}

Test(document_source, a_sweep_finds_what_is_gone)
{
    put_shops(0, 200, "{\"u\":" JUNE("10:00:00") "}");
    step();
    remove_shops("{\"_id\":{\"$in\":[\"s00000\",\"s00007\"]}}");
    step();
    cr_assert_eq(COUNT("core.shop"), 200, "the next sweep is an hour away");
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.shop"), 198);
    cr_assert_eq(COUNT("core.shop_history WHERE deleted"), 2);
    put_shops(7, 1, "{\"u\":" JUNE("10:00:05") "}");
    step();
    cr_assert_eq(COUNT("core.shop"), 199, "it may come back");
}

Test(document_source, too_many_deletions_wait_for_consent)
{
    put_shops(0, 100, "{\"u\":" JUNE("10:00:00") "}");
    step();
    remove_shops("{\"size\":{\"$gte\":89}}");
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.shop"), 100);
    JSON_SCOPED json_t *json = source_status_json(&status, "company-documents", "mongo");
    const char *problem = json_string_value(json_object_get(json, "problem"));
    const json_t *collection = json_array_get(json_object_get(json, "collections"), 0);
    cr_assert(problem && strstr(problem, "accept_deletes"), "%s", problem);
    cr_assert_eq(json_integer_value(json_object_get(collection, "deletes_waiting")), 11);
    put_shops(100, 1, "{\"u\":" JUNE("10:00:05") "}");
    step();
    cr_assert_eq(COUNT("core.shop"), 101, "reading goes on");
    ask_and_step(false, true);
    cr_assert_eq(COUNT("core.shop"), 90);
    JSON_SCOPED json_t *after = source_status_json(&status, "company-documents", "mongo");
    cr_assert(json_is_null(json_object_get(after, "problem")));
    remove_shops("{\"size\":{\"$gte\":80}}");
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.shop"), 90, "consent holds once");
}

/* As put_bson, but the names in the document may be those of operators. */
static void insert_unchecked(const bson_t *document)
{
    bson_error_t failure;
    bson_t *unchecked = BCON_NEW("validate", BCON_BOOL(false));
    mongoc_collection_t *handle = mongoc_client_get_collection(client, database, "shops");
    cr_assert(mongoc_collection_insert_one(handle, document, unchecked, NULL, &failure), "%s", failure.message);
    mongoc_collection_destroy(handle);
    bson_destroy(unchecked);
}

static void put_hostile(const char *id, const char *name, const char *text, int length)
{
    bson_t document = BSON_INITIALIZER;
    bson_append_utf8(&document, "_id", -1, id, -1);
    bson_append_utf8(&document, name, -1, text, length);
    bson_append_date_time(&document, "updated_at", -1, 1780308000000);
    insert_unchecked(&document);
    bson_destroy(&document);
}

static void put_deep(void)
{
    bson_t inner = BSON_INITIALIZER;
    for (int i = 0; i < 98; i++) {
        bson_t outer = BSON_INITIALIZER;
        bson_append_document(&outer, "d", -1, &inner);
        bson_destroy(&inner);
        bson_steal(&inner, &outer);
    }
    bson_t document = BSON_INITIALIZER;
    bson_append_utf8(&document, "_id", -1, "deep", -1);
    bson_append_document(&document, "x", -1, &inner);
    bson_append_date_time(&document, "updated_at", -1, 1780308000000);
    insert_unchecked(&document);
    bson_destroy(&document);
    bson_destroy(&inner);
}

Test(document_source, hostile_documents_go_to_the_quarantine_and_nothing_else_stops)
{
    enum { LARGE = 16 * 1024 * 1024 - 1000 };
    char *large = g_strnfill(LARGE, 'x');
    put_shops(0, 50, "{\"u\":" JUNE("10:00:00") "}");
    put_hostile("large", "x", large, LARGE);
    put_hostile("large2", "x", large, LARGE);
    put_hostile("nul", "x", "a\0b", 3);
    put_hostile("dollar", "$where", "x", 1);
    put_deep();
    put("shops", "{\"_id\":\"type\",\"size\":{\"a\":1},\"updated_at\":" JUNE("10:00:00") "}");
    put("shops", "{\"_id\":\"nan\",\"size\":{\"$numberDouble\":\"NaN\"},\"updated_at\":" JUNE("10:00:00") "}");
    put("shops", "{\"_id\":\"range\",\"at\":[\"far\",1],\"updated_at\":" JUNE("10:00:00") "}");
    bson_t *dots = bson_new_from_json(
        (const uint8_t *)"{\"_id\":\"dots\",\"a.b\":{\"\":1},\"updated_at\":" JUNE("10:00:00") "}", -1, NULL);
    insert_unchecked(dots);
    bson_destroy(dots);
    put_shops(50, 50, "{\"u\":" JUNE("10:00:01") "}");
    g_free(large);
    step();
    cr_assert_eq(COUNT("core.shop"), 101);
    cr_assert_eq(COUNT("raw.quarantine WHERE resolved_at IS NULL"), 8);
    cr_assert_eq(COUNT("raw.quarantine WHERE key::text LIKE '%%large%%' AND detail LIKE '%%larger than 4 MiB%%'"
                       " AND length(original) < 1000"),
                 2);
    cr_assert_eq(COUNT("raw.quarantine WHERE detail LIKE '%%nested deeper than 64 levels%%'"), 1);
    cr_assert_eq(COUNT("raw.quarantine WHERE detail LIKE '%%$where: a name that begins with $%%'"), 1);
    cr_assert_eq(COUNT("raw.quarantine WHERE detail LIKE '%%x: a text with a NUL%%'"), 1);
    int64_t quarantined = COUNT("raw.quarantine");
    ask_and_step(false, false);
    ask_and_step(true, false);
    cr_assert_eq(COUNT("core.shop"), 101);
    cr_assert_eq(COUNT("raw.quarantine WHERE resolved_at IS NULL"), 8);
    cr_assert_eq(COUNT("raw.quarantine"), quarantined, "the same document is there once");
    put("shops", "{\"_id\":\"nan\",\"size\":3,\"updated_at\":" JUNE("10:00:05") "}");
    step();
    cr_assert_eq(COUNT("core.shop WHERE shop_id = 'nan' AND size = 3"), 1);
    cr_assert_eq(COUNT("raw.quarantine WHERE resolved_at IS NULL"), 7);
}

Test(document_source, quite_another_mapping_is_followed)
{
    use_mapping(other_mapping_text);
    put("smart.lockers",
        "{\"_id\":{\"site\":\"north\",\"number\":7},\"dates\":[\"2020-02-29\",\"x\"],\"prices\":{\"fee\":"
        "{\"$numberDecimal\":\"1.50\"}},\"audit\":{\"ms\":{\"$numberLong\":\"1780308000000\"}}}");
    put("smart.lockers", "{\"_id\":{\"site\":\"north\",\"number\":8},\"audit\":{\"ms\":1780308000}}");
    put("parcels", "{\"_id\":1,\"code\":\"p1\",\"live\":1,\"meta\":{\"tags\":[\"a\",\"b\"]},\"changed\":"
                   "\"2026-06-01T10:00:00+02:00\"}");
    step();
    cr_assert_eq(COUNT("core.locker WHERE site = 'north' AND number = 7 AND fee = 1.5 AND open_since = '2020-02-29'"),
                 1);
    cr_assert_eq(COUNT("core.locker"), 2);
    cr_assert_eq(COUNT("core.parcel WHERE live AND valid_from = '2026-06-01T08:00:00Z'"), 1);
    cr_assert_eq(COUNT("core.parcel_tag WHERE code = 'p1'"), 2);
    put("parcels", "{\"_id\":1,\"code\":\"p1\",\"live\":false,\"changed\":\"2026-06-01T11:00:00+02:00\"}");
    put("smart.lockers",
        "{\"_id\":{\"site\":\"south\",\"number\":1},\"audit\":{\"ms\":{\"$numberLong\":\"1780308100000\"}}}");
    step();
    cr_assert_eq(COUNT("core.parcel WHERE NOT live"), 1);
    cr_assert_eq(COUNT("core.locker"), 3);
    mongoc_collection_t *handle = mongoc_client_get_collection(client, database, "smart.lockers");
    bson_t *gone = BCON_NEW("_id.number", BCON_INT32(8));
    cr_assert(mongoc_collection_delete_one(handle, gone, NULL, NULL, NULL));
    bson_destroy(gone);
    mongoc_collection_destroy(handle);
    ask_and_step(false, false);
    cr_assert_eq(COUNT("core.locker"), 2);
}

Test(document_source, a_changed_mapping_reads_all_again)
{
    put("shops", "{\"_id\":\"a\",\"size\":1,\"color\":\"red\",\"updated_at\":" JUNE("10:00:00") "}");
    put_shops(0, 5, "{\"u\":" JUNE("12:00:00") "}");
    step();
    char **parts = g_strsplit(mapping_text, "{\"name\":\"size\"", 2);
    char *text =
        g_strjoin("", parts[0], "{\"name\":\"color\",\"type\":\"text\",\"description\":\"d\"},{\"name\":\"size\"",
                  parts[1], NULL);
    use_mapping(text);
    g_free(text);
    g_strfreev(parts);
    restart();
    step();
    cr_assert_eq(COUNT("core.shop WHERE color = 'red' AND extra IS NULL"), 1);
}

Test(document_source, only_one_process_reads)
{
    put_shops(0, 5, "{\"u\":" JUNE("10:00:00") "}");
    step();
    SourceStatus second_status;
    source_status_init(&second_status, SOURCE_NOT_CONFIGURED);
    DocumentSourceOptions second_options = options;
    second_options.status = &second_status;
    DocumentSource *second = document_source_new(&second_options);
    Error err;
    cr_assert(document_source_step(second, &err), "%s", err.message);
    cr_assert_eq(second_status.state, SOURCE_STANDBY);
    document_source_free(source);
    put_shops(5, 5, "{\"u\":" JUNE("11:00:00") "}");
    cr_assert(document_source_step(second, &err), "%s", err.message);
    cr_assert_eq(second_status.state, SOURCE_CONNECTED);
    cr_assert_eq(COUNT("core.shop"), 10);
    source = second;
    source_status_fini(&second_status);
}

Test(document_source, a_bad_mapping_or_address_is_told_and_can_be_mended)
{
    Error err;
    use_mapping("{");
    cr_assert_not(document_source_step(source, &err));
    cr_assert(strstr(err.message, "RUSHCAST_DOCUMENT_MAPPING"), "%s", err.message);
    cr_assert_eq(status.state, SOURCE_DISCONNECTED);
    cr_assert(strstr(status.reading_problem, "RUSHCAST_DOCUMENT_MAPPING"));
    use_mapping(mapping_text);
    step();
    cr_assert_eq(status.state, SOURCE_CONNECTED);
    options.uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
    restart();
    cr_assert_not(document_source_step(source, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
}

Test(document_source, a_change_stream_tells_of_changes)
{
    bool changed = true, supported = true;
    Error err;
    cr_assert(document_source_watch(source, &changed, &supported, &err));
    cr_assert(!changed && !supported, "before anything is read there is nothing to watch");
    put_shops(0, 1, "{\"u\":" JUNE("10:00:00") "}");
    step();
    cr_assert(document_source_watch(source, &changed, &supported, &err), "%s", err.message);
    cr_assert(supported);
    put_shops(1, 1, "{\"u\":" JUNE("11:00:00") "}");
    for (int i = 0; i < 10 && !changed; i++)
        cr_assert(document_source_watch(source, &changed, &supported, &err), "%s", err.message);
    cr_assert(changed);
    step();
    cr_assert_eq(COUNT("core.shop"), 2);
    cr_assert_str_eq(status.mode, "change stream");
}
