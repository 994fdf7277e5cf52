#include "services/forecast-api/answer_body.h"

#include "common/metrics.h"
#include "services/forecast-api/answer_text.h"

static Metric bodies_serialized = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_forecast_bodies_serialized_total",
    .help = "Answers of 168 hours serialized; every other request for them was a look-up",
};

static bool serialize(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, PreparedBody **ret_body,
                      Error *err)
{
    ForecastAnswer answer;
    answer_make(snapshot, geo, vertical, ANSWER_HOURS_MAX, &answer);
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    answer_write_json(&out, &answer);
    char etag[ETAG_TEXT_MAX];
    answer_format_etag(geo->revision, snapshot->first_hour, etag);
    metric_add(metric_with(&bodies_serialized), 1);
    return prepared_body_new(&out, etag, ret_body, err);
}

bool answer_body(const Snapshot *snapshot, SnapshotGeo *geo, Vertical vertical, PreparedBody **ret_body, Error *err)
{
    PreparedBody *body = atomic_load_explicit(&geo->bodies[vertical], memory_order_acquire);
    if (body == NULL) {
        PreparedBody *made;
        if (!serialize(snapshot, geo, vertical, &made, err))
            return false;
        if (atomic_compare_exchange_strong(&geo->bodies[vertical], &body, made))
            body = made;
        else
            shared_unref(made);
    }
    prepared_body_ref(body);
    *ret_body = body;
    return true;
}
