#include "services/ingest/orders/event_handlers.h"

#include <stdlib.h>
#include <yyjson.h>
#include "services/ingest/ingest.h"

enum {
    PRODUCE_DEADLINE_MS = 2000, /* for room in the local queue */
    ACKNOWLEDGE_DEADLINE_MS = 10000,
    PROBLEMS_MAX = 100,
    ANSWER_MAX_BYTES = 8 << 20,
};

/* One event of the request, as it goes to Kafka. */
typedef struct PostedEvent {
    const char *json;
    size_t length_bytes;
    Order order;
} PostedEvent;

typedef struct PostedEvents {
    PostedEvent *items;
    size_t count;
    Buffer problems; /* JSON objects with commas between */
    size_t problems_count;
} PostedEvents;

static void add_problem(PostedEvents *events, const char *pointer, OrderFault fault, const char *detail)
{
    if (events->problems_count++ >= PROBLEMS_MAX)
        return;
    Buffer *out = &events->problems;
    buffer_append_text(out, out->length_bytes > 0 ? ",{\"pointer\":" : "{\"pointer\":");
    buffer_append_json_string(out, pointer);
    buffer_append_text(out, ",\"reason\":");
    buffer_append_json_string(out, order_fault_name(fault));
    buffer_append_text(out, ",\"detail\":");
    buffer_append_json_string(out, detail);
    buffer_append_char(out, '}');
}

static void check_event(PostedEvents *events, OrderParser *parser, const char *at, yyjson_val *value, Arena *arena)
{
    PostedEvent *event = &events->items[events->count];
    size_t length_bytes;
    char *json = yyjson_val_write(value, 0, &length_bytes);
    if (!json)
        abort();
    event->json = arena_strndup(arena, json, length_bytes);
    event->length_bytes = length_bytes;
    free(json);
    OrderFault fault;
    Error err;
    if (order_parse(parser, event->json, length_bytes, order_latest_time(), arena, &event->order, &fault, &err))
        events->count++;
    else
        add_problem(events, arena_printf(arena, "%s%s", at, err.pointer), fault, err.message);
}

/* The events of a body that is one event or an array of them. Numbers stay as they were written. */
static bool read_events(Request *request, PostedEvents *events, Error *err)
{
    Arena *arena = request_arena(request);
    char *body = arena_strndup(arena, request->body, request->body_length_bytes);
    yyjson_read_err problem;
    yyjson_doc *doc = yyjson_read_opts(body, request->body_length_bytes, YYJSON_READ_NUMBER_AS_RAW, NULL, &problem);
    if (!doc)
        return error_set(err, ERROR_MALFORMED, "not JSON at byte %zu: %s", problem.pos, problem.msg);
    yyjson_val *root = yyjson_doc_get_root(doc);
    size_t count = yyjson_is_arr(root) ? yyjson_arr_size(root) : 1;
    bool ok = count > 0 && count <= EVENTS_MAX;
    if (!ok) {
        error_set(err, ERROR_UNPROCESSABLE, "%zu events; 1 to %d are taken at once", count, EVENTS_MAX);
    } else {
        OrderParser *parser = order_parser_new();
        events->items = arena_array(arena, count, sizeof *events->items);
        for (size_t i = 0; i < count; i++)
            check_event(events, parser, yyjson_is_arr(root) ? arena_printf(arena, "/%zu", i) : "",
                        yyjson_is_arr(root) ? yyjson_arr_get(root, i) : root, arena);
        order_parser_free(parser);
    }
    yyjson_doc_free(doc);
    return ok;
}

/* Under the producer's mutex: a failure is then this request's own. */
static bool produce(Ingest *ingest, const PostedEvents *events, Error *err)
{
    if (!ingest->producer &&
        !kafka_producer_new(ingest->config.kafka_brokers, ingest->config.kafka_topic, &ingest->producer, err))
        return false;
    for (size_t i = 0; i < events->count; i++) {
        const PostedEvent *event = &events->items[i];
        if (!kafka_produce(ingest->producer, event->order.order_id.data, event->order.order_id.length_bytes,
                           event->json, event->length_bytes, PRODUCE_DEADLINE_MS, err))
            return false;
    }
    return kafka_producer_flush(ingest->producer, ACKNOWLEDGE_DEADLINE_MS, err);
}

static bool answer_problems(Response *response, PostedEvents *events, Error *err)
{
    Buffer body;
    buffer_init(&body, ANSWER_MAX_BYTES);
    buffer_printf(&body,
                  "{\"type\":\"urn:rushcast:problem:%s\",\"title\":\"%s\",\"status\":%d,"
                  "\"detail\":\"%zu events can't be used; none was taken\",\"errors\":[",
                  error_name(ERROR_UNPROCESSABLE), error_title(ERROR_UNPROCESSABLE),
                  error_http_status(ERROR_UNPROCESSABLE), events->problems_count);
    buffer_append(&body, events->problems.data, events->problems.length_bytes);
    buffer_append_text(&body, "]}");
    if (!buffer_ok(&body, err)) {
        buffer_fini(&body);
        return false;
    }
    response_status(response, error_http_status(ERROR_UNPROCESSABLE));
    response_buffer(response, "application/problem+json", &body);
    return true;
}

static bool answer_accepted(Response *response, const PostedEvents *events, Error *err)
{
    Buffer body;
    buffer_init(&body, ANSWER_MAX_BYTES);
    buffer_printf(&body, "{\"accepted\":%zu,\"event_ids\":[", events->count);
    for (size_t i = 0; i < events->count; i++) {
        if (i > 0)
            buffer_append_char(&body, ',');
        buffer_append_json_string(&body, events->items[i].order.event_id.data);
    }
    buffer_append_text(&body, "]}");
    if (!buffer_ok(&body, err)) {
        buffer_fini(&body);
        return false;
    }
    response_status(response, 202);
    response_buffer(response, "application/json", &body);
    return true;
}

bool handle_post_events(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    PostedEvents events = {0};
    buffer_init(&events.problems, ANSWER_MAX_BYTES);
    bool ok = read_events(request, &events, err);
    if (ok && events.problems_count > 0) {
        ok = answer_problems(response, &events, err);
    } else if (ok) {
        pthread_mutex_lock(&ingest->producer_mutex);
        ok = produce(ingest, &events, err);
        pthread_mutex_unlock(&ingest->producer_mutex);
        ok = ok && answer_accepted(response, &events, err);
    }
    buffer_fini(&events.problems);
    return ok;
}
