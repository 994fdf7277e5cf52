#include "services/ingest/orders/order_intake.h"

#include <stdlib.h>
#include "common/log.h"
#include "services/ingest/orders/order_drift.h"

enum { INTAKE_WINDOW_EVENTS = 100000 };

struct OrderIntake {
    Ingest *ingest;
    const char *topic;
    GeoDirectory *directory;
    OrderStore *store;
    OrderBatch *batch;
    OrderParser *parser;
    SchemaDrift *drift;
    Instant latest;
};

static bool load_directory(OrderIntake *intake, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    return pg_acquire(intake->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) &&
           geo_directory_reload(intake->directory, connection, err);
}

bool order_intake_new(Ingest *ingest, const char *topic, const OrderOrigin *origin, OrderIntake **ret_intake,
                      Error *err)
{
    OrderIntake *intake = calloc(1, sizeof *intake);
    if (!intake)
        abort();
    *intake = (OrderIntake){
        .ingest = ingest,
        .topic = topic,
        .directory = ingest_directory_new(ingest),
        .store = order_store_new(&(OrderStoreOptions){
            .pool = ingest->postgres,
            .topic = topic,
            .window_capacity = INTAKE_WINDOW_EVENTS,
            .privacy = ingest->privacy,
            .origin = origin,
        }),
        .batch = order_batch_new(),
        .parser = order_parser_new(),
        .drift = schema_drift_new(ORDER_DRIFT_SOURCE),
        .latest = order_latest_time(),
    };
    if (!load_directory(intake, err)) {
        order_intake_free(intake);
        return false;
    }
    *ret_intake = intake;
    return true;
}

void order_intake_free(OrderIntake *intake)
{
    if (!intake)
        return;
    geo_directory_free(intake->directory);
    order_store_free(intake->store);
    order_batch_free(intake->batch);
    order_parser_free(intake->parser);
    schema_drift_free(intake->drift);
    free(intake);
}

bool order_intake_has_room(const OrderIntake *intake, size_t message_bytes)
{
    return order_batch_has_room(intake->batch, message_bytes);
}

bool order_intake_add(OrderIntake *intake, int64_t offset, const char *data, size_t length_bytes, Error *err)
{
    RawMessage message = {.offset = offset, .data = data, .length_bytes = length_bytes};
    BatchOrder *order = order_batch_add(intake->batch, intake->parser, intake->latest, &message, offset);
    return !order || geo_directory_place(intake->directory, intake->batch, order, err);
}

static bool note_drift(OrderIntake *intake, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    order_drift_take(intake->drift, intake->topic, intake->parser);
    return schema_drift_is_empty(intake->drift) ||
           (pg_acquire(intake->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) &&
            schema_drift_flush(intake->drift, connection, err));
}

static bool store(OrderIntake *intake, StoreResult *ret_result, Error *err)
{
    const PartitionEnds no_ends = {.count = 0};
    while (!order_store_commit(intake->store, intake->batch, &no_ends, ret_result, err)) {
        Error refusal = *err;
        size_t refused;
        if (refusal.code != ERROR_UNPROCESSABLE || !order_store_refuse(intake->store, intake->batch, &refused, err))
            return false;
        if (refused == 0)
            return error_set(err, ERROR_INTERNAL, "%s", refusal.message);
        log_warn("orders.refused", log_int("events", (int64_t)refused), log_failure(&refusal));
    }
    return true;
}

bool order_intake_commit(OrderIntake *intake, Error *err)
{
    StoreResult result;
    if (intake->batch->messages_count == 0)
        return true;
    privacy_filter_strip(intake->ingest->privacy, intake->batch);
    if (!order_batch_pack(intake->batch, err) || !store(intake, &result, err))
        return false;
    order_batch_clear(intake->batch);
    if (result.orders > 0)
        atomic_store(&intake->ingest->demand_changed, true);
    return note_drift(intake, err);
}
