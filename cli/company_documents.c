#include "cli/company_documents.h"

#include <mongoc/mongoc.h>
#include <stdio.h>
#include "cli/random.h"

enum { STREAM_RUNNER = 100, STREAM_BRANCH_DOCUMENT, BATCH_MAX = 500, SERVER_SELECTION_TIMEOUT_MS = 5000 };

static const int64_t ms_per_hour = 3600 * 1000, ms_per_minute = 60 * 1000;
static const char *const array_keys[] = {"0", "1", "2", "3", "4", "5", "6"};

static void append_point(bson_t *document, double lat, double lon)
{
    bson_t point, coordinates;
    bson_append_document_begin(document, "location", -1, &point);
    bson_append_utf8(&point, "type", -1, "Point", -1);
    bson_append_array_begin(&point, "coordinates", -1, &coordinates);
    bson_append_double(&coordinates, "0", -1, lon);
    bson_append_double(&coordinates, "1", -1, lat);
    bson_append_array_end(&point, &coordinates);
    bson_append_document_end(document, &point);
}

static void branch_document(const City *city, size_t index, bson_t *document)
{
    const CityBranch *branch = &city->branches[index];
    Random random = random_stream(city->seed, STREAM_BRANCH_DOCUMENT, index);
    bson_append_utf8(document, "_id", -1, branch->id, -1);
    bson_append_utf8(document, "kind", -1, branch->restaurant ? "restaurant" : "shop", -1);
    bson_append_utf8(document, "city", -1, branch->cell->city->city, -1);
    append_point(document, branch->lat, branch->lon);
    bson_t hours;
    bson_append_array_begin(document, "opening_hours", -1, &hours);
    for (int day = 0; day < 7; day++) {
        bson_t item;
        bson_append_document_begin(&hours, array_keys[day], -1, &item);
        bson_append_int32(&item, "weekday", -1, day);
        bson_append_utf8(&item, "open", -1, branch->restaurant ? "11:00" : "08:00", -1);
        bson_append_utf8(&item, "close", -1, branch->restaurant ? "00:30" : "22:00", -1);
        bson_append_document_end(&hours, &item);
    }
    bson_append_array_end(document, &hours);
    if (random_uniform(&random) < 0.4) { /* only some have told how fast their kitchen is */
        bson_t capacity;
        bson_append_document_begin(document, "capacity", -1, &capacity);
        bson_append_int32(&capacity, "orders_per_hour", -1, 5 + (int)random_below(&random, 40));
        bson_append_document_end(document, &capacity);
    }
    bson_append_date_time(document, "updated_at", -1, city->first_hour * ms_per_hour - (int64_t)index * ms_per_minute);
}

static void runner_document(const City *city, size_t index, bson_t *document)
{
    static const char *const vehicles[] = {"bicycle", "motorbike", "car", "on foot"};
    Random random = random_stream(city->seed, STREAM_RUNNER, index);
    const CityCell *cell = &city->cells[index / CITY_RUNNERS_PER_CELL];
    char id[16];
    snprintf(id, sizeof id, "R%05zu", index);
    bson_append_utf8(document, "_id", -1, id, -1);
    bson_append_utf8(document, "home_geo", -1, cell->geo, -1);
    bson_t vehicle;
    bson_append_document_begin(document, "vehicle", -1, &vehicle);
    uint32_t kind = random_below(&random, 4);
    bson_append_utf8(&vehicle, "kind", -1, vehicles[kind], -1);
    if (kind == 1 || kind == 2) {
        char plate[16];
        snprintf(plate, sizeof plate, "%03u-%04u", random_below(&random, 1000), random_below(&random, 10000));
        bson_append_utf8(&vehicle, "plate", -1, plate, -1);
    }
    bson_append_document_end(document, &vehicle);
    bson_t shifts;
    bson_append_array_begin(document, "shifts", -1, &shifts);
    uint32_t count = 1 + random_below(&random, 5);
    for (uint32_t i = 0; i < count; i++) {
        bson_t shift;
        bson_append_document_begin(&shifts, array_keys[i], -1, &shift);
        bson_append_int32(&shift, "weekday", -1, (int)random_below(&random, 7));
        bson_append_int32(&shift, "from_hour", -1, 8 + (int)random_below(&random, 8));
        bson_append_int32(&shift, "hours", -1, 3 + (int)random_below(&random, 6));
        bson_append_document_end(&shifts, &shift);
    }
    bson_append_array_end(document, &shifts);
    if (index % 7 == 0)
        bson_append_double(document, "rating", -1, 3 + 2 * random_uniform(&random));
    bson_append_date_time(document, "updated_at", -1, city->first_hour * ms_per_hour - (int64_t)index * ms_per_minute);
}

static bool upsert_all(mongoc_client_t *client, const char *name, const City *city, size_t count,
                       void (*make)(const City *city, size_t index, bson_t *document), Error *err)
{
    mongoc_collection_t *collection = mongoc_client_get_collection(client, "company", name);
    bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    bool done = true;
    for (size_t first = 0; first < count && done; first += BATCH_MAX) {
        mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, NULL);
        bson_error_t failure = {0};
        for (size_t i = first; i < count && i < first + BATCH_MAX && done; i++) {
            bson_t document = BSON_INITIALIZER, selector = BSON_INITIALIZER;
            make(city, i, &document);
            bson_iter_t id;
            bson_iter_init_find(&id, &document, "_id");
            bson_append_iter(&selector, "_id", -1, &id);
            done = mongoc_bulk_operation_replace_one_with_opts(bulk, &selector, &document, upsert, &failure);
            bson_destroy(&document);
            bson_destroy(&selector);
        }
        done = done && mongoc_bulk_operation_execute(bulk, NULL, &failure) != 0;
        if (!done)
            error_set(err, ERROR_UNAVAILABLE, "the document database refused %s: %s", name, failure.message);
        mongoc_bulk_operation_destroy(bulk);
    }
    bson_destroy(upsert);
    mongoc_collection_destroy(collection);
    return done;
}

bool company_documents_fill(const char *uri_text, const City *city, Error *err)
{
    mongoc_init();
    bson_error_t failure;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(uri_text, &failure);
    if (!uri)
        return error_set(err, ERROR_INVALID_ARGUMENT, "RUSHCAST_SOURCE_MONGO is \"%s\": %s", uri_text, failure.message);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SERVER_SELECTION_TIMEOUT_MS);
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
    mongoc_client_t *client = mongoc_client_new_from_uri(uri);
    bool done = upsert_all(client, "branches", city, city->branches_count, branch_document, err) &&
                upsert_all(client, "runners", city, city->cells_count * CITY_RUNNERS_PER_CELL, runner_document, err);
    mongoc_client_destroy(client);
    mongoc_uri_destroy(uri);
    mongoc_cleanup();
    return done;
}
