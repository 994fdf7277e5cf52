#include "services/forecast-api/override_handlers.h"

#include <string.h>
#include "common/clock.h"
#include "gen/forecast_api_sql.h"
#include "services/forecast-api/forecast_api.h"

enum { OVERRIDES_LIMIT_DEFAULT = 100, OVERRIDES_LIMIT_MAX = 1000 };

typedef struct OverrideInput {
    const char *geo, *scope, *vertical, *kind, *reason, *author; /* vertical as stored: "all" for null */
    double value;
    Hour from, to;
    Instant expires_at;
} OverrideInput;

#define FIELD(name_, type_, member_, optional_)                                                                        \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .offset = offsetof(OverrideInput, member_), .optional = (optional_)          \
    }
static const JsonField override_fields[] = {
    FIELD("geo", JSON_FIELD_TEXT, geo, false),
    FIELD("scope", JSON_FIELD_TEXT, scope, true),
    FIELD("vertical", JSON_FIELD_TEXT, vertical, true),
    FIELD("kind", JSON_FIELD_TEXT, kind, false),
    {.name = "value", .type = JSON_FIELD_REAL, .offset = offsetof(OverrideInput, value), .maximum = 1e9},
    FIELD("from", JSON_FIELD_HOUR, from, false),
    FIELD("to", JSON_FIELD_HOUR, to, false),
    FIELD("reason", JSON_FIELD_TEXT, reason, false),
    FIELD("author", JSON_FIELD_TEXT, author, false),
    FIELD("expires_at", JSON_FIELD_INSTANT, expires_at, true),
    {.name = NULL},
};
#undef FIELD

static bool is_word(const char *const *words, const char *word)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static bool check_text(const char *text, const char *pointer, size_t limit, Error *err)
{
    size_t length = strlen(text);
    return (length > 0 && length <= limit) ||
           error_set_at(err, ERROR_UNPROCESSABLE, pointer, "%s must have 1 to %zu bytes", pointer + 1, limit);
}

static bool check_words(const OverrideInput *input, Error *err)
{
    if (!is_word(override_kind_names, input->kind))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/kind", "kind must be factor or absolute");
    if (!is_word(override_scope_names, input->scope))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/scope", "scope must be geo or children");
    if (input->vertical != NULL && !is_word(vertical_names + 1, input->vertical))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/vertical", "vertical must be null, restaurant or goods");
    if (strcmp(input->kind, "absolute") == 0 && strcmp(input->scope, "children") == 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/scope",
                            "an absolute value holds for one geo: scope children needs a factor");
    return check_text(input->reason, "/reason", OVERRIDE_REASON_MAX, err) &&
           check_text(input->author, "/author", OVERRIDE_AUTHOR_MAX, err);
}

static bool check_times(const OverrideInput *input, Error *err)
{
    Instant now = clock_now();
    if (input->to <= input->from || input->to - input->from > OVERRIDE_HOURS_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/to", "to must lie 1 to %d hours after from",
                            OVERRIDE_HOURS_MAX);
    if (now != INSTANT_NONE && hour_start(input->to) <= now)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/to", "to has passed already");
    if (now != INSTANT_NONE && input->expires_at != INSTANT_NONE && input->expires_at <= now)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/expires_at", "expires_at has passed already");
    return true;
}

static bool check_geo(const ForecastApi *api, const char *geo, Error *err)
{
    Snapshot *snapshot = board_hold(api->board);
    if (snapshot == NULL)
        return forecast_api_check(NULL, err);
    bool known = snapshot_find(snapshot, geo) != NULL;
    shared_unref(snapshot);
    return known ||
           error_set_at(err, ERROR_UNPROCESSABLE, "/geo", "there is no geo \"%.64s\"; GET /geos lists them", geo);
}

static bool read_input(Request *request, OverrideInput *input, Error *err)
{
    json_t *body JSON_SCOPED = NULL;
    *input = (OverrideInput){.scope = "geo", .expires_at = INSTANT_NONE};
    if (!request_json(request, &body, err) ||
        !json_read(body, "", override_fields, request_arena(request), input, err) || !check_words(input, err) ||
        !check_times(input, err) || !check_geo(request->service, input->geo, err))
        return false;
    if (input->vertical == NULL)
        input->vertical = vertical_names[VERTICAL_ALL];
    return true;
}

/* Columns of select_override and select_overrides. */
enum {
    COLUMN_ID,
    COLUMN_GEO,
    COLUMN_SCOPE,
    COLUMN_VERTICAL,
    COLUMN_KIND,
    COLUMN_VALUE,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_REASON,
    COLUMN_AUTHOR,
    COLUMN_CREATED_AT,
    COLUMN_EXPIRES_AT,
    COLUMN_ENDED_AT,
    COLUMN_ENDED_BY,
    COLUMN_ENDED_REASON,
    COLUMN_REVISION,
    COLUMN_CREATED_REVISION,
};

static json_t *text_column(const PGresult *result, int row, int column)
{
    return pg_is_null(result, row, column) ? json_null() : json_string(pg_get_text(result, row, column));
}

static json_t *instant_column(const PGresult *result, int row, int column)
{
    return json_instant(pg_get_instant(result, row, column));
}

static const char *override_status(const PGresult *result, int row)
{
    if (pg_is_null(result, row, COLUMN_ENDED_AT))
        return "in_force";
    return pg_is_null(result, row, COLUMN_ENDED_BY) ? "expired" : "withdrawn";
}

static json_t *override_json(const PGresult *result, int row)
{
    static const struct {
        const char *name;
        int column;
        json_t *(*json)(const PGresult *result, int row, int column);
    } members[] = {
        {"id", COLUMN_ID, text_column},
        {"geo", COLUMN_GEO, text_column},
        {"scope", COLUMN_SCOPE, text_column},
        {"kind", COLUMN_KIND, text_column},
        {"from", COLUMN_FROM, instant_column},
        {"to", COLUMN_TO, instant_column},
        {"reason", COLUMN_REASON, text_column},
        {"author", COLUMN_AUTHOR, text_column},
        {"created_at", COLUMN_CREATED_AT, instant_column},
        {"expires_at", COLUMN_EXPIRES_AT, instant_column},
        {"ended_at", COLUMN_ENDED_AT, instant_column},
        {"ended_by", COLUMN_ENDED_BY, text_column},
        {"ended_reason", COLUMN_ENDED_REASON, text_column},
    };
    json_t *override = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(override, members[i].name, members[i].json(result, row, members[i].column));
    const char *vertical = pg_get_text(result, row, COLUMN_VERTICAL);
    json_object_set_new(override, "vertical", strcmp(vertical, "all") == 0 ? json_null() : json_string(vertical));
    json_object_set_new(override, "value", json_real(pg_get_real(result, row, COLUMN_VALUE)));
    json_object_set_new(override, "revision", json_integer(pg_get_int(result, row, COLUMN_REVISION)));
    json_object_set_new(override, "status", json_string(override_status(result, row)));
    return override;
}

static bool get_override(PgConnection *connection, const char *id, PGresult **ret_result, Error *err)
{
    if (!pg_run(connection, &sql_select_override, PG_PARAMS(pg_text(id)), ret_result, err))
        return false;
    return PQntuples(*ret_result) == 1 ||
           error_set(err, ERROR_NOT_FOUND, "there is no override \"%.64s\"; GET /overrides lists them", id);
}

static bool is_same(const PGresult *result, const OverrideInput *input)
{
    return strcmp(pg_get_text(result, 0, COLUMN_GEO), input->geo) == 0 &&
           strcmp(pg_get_text(result, 0, COLUMN_SCOPE), input->scope) == 0 &&
           strcmp(pg_get_text(result, 0, COLUMN_VERTICAL), input->vertical) == 0 &&
           strcmp(pg_get_text(result, 0, COLUMN_KIND), input->kind) == 0 &&
           strcmp(pg_get_text(result, 0, COLUMN_REASON), input->reason) == 0 &&
           strcmp(pg_get_text(result, 0, COLUMN_AUTHOR), input->author) == 0 &&
           pg_get_real(result, 0, COLUMN_VALUE) == input->value && pg_get_hour(result, 0, COLUMN_FROM) == input->from &&
           pg_get_hour(result, 0, COLUMN_TO) == input->to &&
           pg_get_instant(result, 0, COLUMN_EXPIRES_AT) == input->expires_at;
}

static bool check_room(PgConnection *connection, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_count_overrides_in_force, PG_PARAMS(), &result, err))
        return false;
    return pg_get_int(result, 0, 0) < OVERRIDES_MAX ||
           error_set(err, ERROR_OVERLOADED, "%d overrides are in force, the most there may be: withdraw some first",
                     OVERRIDES_MAX);
}

static bool insert_override(PgConnection *connection, const char *id, const OverrideInput *input, bool *ret_created,
                            Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) || !check_room(connection, err) ||
        !pg_run(connection, &sql_insert_override,
                PG_PARAMS(pg_text(id), pg_text(input->geo), pg_text(input->scope), pg_text(input->vertical),
                          pg_text(input->kind), pg_real(input->value), pg_hour(input->from), pg_hour(input->to),
                          pg_text(input->reason), pg_text(input->author), pg_instant(input->expires_at)),
                &result, err))
        return false;
    *ret_created = PQntuples(result) == 1;
    return true;
}

static bool make_override(PgConnection *connection, const char *id, const OverrideInput *input, Response *response,
                          Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    bool created;
    if (!insert_override(connection, id, input, &created, err) || !get_override(connection, id, &result, err))
        return false;
    if (!created && !is_same(result, input))
        return error_set(err, ERROR_CONFLICT,
                         "override %s exists already and says something else: withdraw it and make another", id);
    if (!pg_commit(connection, err))
        return false;
    forecast_api_wake(WORKER_PUBLICATIONS);
    response_json(response, override_json(result, 0));
    response_status(response, created ? 201 : 200);
    return true;
}

static bool read_override_id(const Request *request, const char **ret_id, Error *err)
{
    *ret_id = request_path(request, "id");
    return issued_set_id_ok(*ret_id) ||
           error_set_at(err, ERROR_INVALID_ARGUMENT, "id",
                        "an override's id has 1 to %d letters, digits, '-', '_', '.' and ':'", ISSUED_SET_ID_MAX);
}

/* The connection is released with its transaction rolled back unless that was committed. */
bool override_put(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    const char *id = NULL;
    OverrideInput input;
    PgConnection *connection PG_SCOPED = NULL;
    return read_override_id(request, &id, err) && read_input(request, &input, err) &&
           pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) && pg_begin(connection, err) &&
           make_override(connection, id, &input, response, err);
}

static bool withdraw(PgConnection *connection, const char *id, const char *author, const char *reason,
                     Response *response, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) ||
        !pg_run(connection, &sql_withdraw_override, PG_PARAMS(pg_text(id), pg_text(author), pg_text(reason)), NULL,
                err) ||
        !get_override(connection, id, &result, err) || !pg_commit(connection, err))
        return false;
    forecast_api_wake(WORKER_PUBLICATIONS);
    response_json(response, override_json(result, 0));
    return true;
}

static bool query_text(const Request *request, const char *name, size_t limit, const char **ret_text, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL || *text == '\0' || strlen(text) > limit)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, name, "%s is needed, 1 to %zu bytes", name, limit);
    *ret_text = text;
    return true;
}

bool override_delete(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    const char *id, *author, *reason;
    PgConnection *connection PG_SCOPED = NULL;
    return read_override_id(request, &id, err) && query_text(request, "author", OVERRIDE_AUTHOR_MAX, &author, err) &&
           query_text(request, "reason", OVERRIDE_REASON_MAX, &reason, err) &&
           pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) && pg_begin(connection, err) &&
           withdraw(connection, id, author, reason, response, err);
}

bool overrides_list(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    int64_t limit, after;
    bool ended;
    PgConnection *connection PG_SCOPED = NULL;
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!request_query_int(request, "limit", 1, OVERRIDES_LIMIT_MAX, OVERRIDES_LIMIT_DEFAULT, &limit, err) ||
        !request_query_int(request, "after", 0, INT64_MAX, 0, &after, err) ||
        !request_query_bool(request, "ended", false, &ended, err) ||
        !pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) ||
        !pg_run(connection, &sql_select_overrides,
                PG_PARAMS(pg_text(request_query(request, "geo")), pg_bool(ended), pg_int(after), pg_int(limit)),
                &result, err))
        return false;
    json_t *list = json_array();
    int rows = PQntuples(result);
    for (int row = 0; row < rows; row++)
        json_array_append_new(list, override_json(result, row));
    json_t *next = rows == limit ? json_integer(pg_get_int(result, rows - 1, COLUMN_CREATED_REVISION)) : json_null();
    response_json(response, json_pack("{s:o, s:o}", "overrides", list, "next", next));
    return true;
}
