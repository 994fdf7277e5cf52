#include "services/trainer/trainer_handlers.h"

#include <string.h>
#include "common/clock.h"
#include "gen/trainer_sql.h"
#include "services/trainer/model_store.h"
#include "services/trainer/trainer.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 1000 };

/* Answers the JSON document in the first column; `missing` is the message when there is no row. */
static bool answer_document(PgConnection *connection, const PgStatement *statement, PgParams params, Response *response,
                            const char *missing, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, statement, params, &rows, err)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return error_set(err, ERROR_NOT_FOUND, "%s", missing);
    }
    response_text(response, "application/json", pg_get_text(rows, 0, 0));
    return true;
}

typedef struct RunRequest {
    const char *kind;
    Hour cutoff;
} RunRequest;

static bool read_run_request(Request *request, RunRequest *run, Error *err)
{
    static const JsonField fields[] = {
        {"kind", JSON_FIELD_TEXT, offsetof(RunRequest, kind), false, 0, 0},
        {"cutoff", JSON_FIELD_HOUR, offsetof(RunRequest, cutoff), true, 0, 0},
        {0},
    };
    JSON_SCOPED json_t *body = NULL;
    if (!request_json(request, &body, err) || !json_read(body, "", fields, request_arena(request), run, err)) {
        return false;
    }
    for (size_t kind = 0; kind < RUN_KINDS; kind++) {
        if (strcmp(run->kind, run_kind_names[kind]) == 0) {
            return true;
        }
    }
    return error_set_at(err, ERROR_UNPROCESSABLE, "/kind", "kind must be train, forecast or backtest, not \"%.40s\".",
                        run->kind);
}

/* The newest cutoff there is, and whether the asked one may be used. */
static bool check_cutoff(PgConnection *connection, const RunInputs *inputs, Hour *cutoff, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    char asked[INSTANT_TEXT_MAX], newest_text[INSTANT_TEXT_MAX], first_text[INSTANT_TEXT_MAX];
    if (!pg_run(connection, &sql_select_newest_cutoff,
                PG_PARAMS(pg_instant(inputs->now), pg_hour(inputs->complete_hour), pg_bool(inputs->caught_up)), &rows,
                err)) {
        return false;
    }
    Hour newest = PQntuples(rows) == 0 ? HOUR_NONE : pg_get_hour(rows, 0, 0);
    if (newest == HOUR_NONE || inputs->first_hour == HOUR_NONE || inputs->first_hour > newest) {
        error_set(err, ERROR_UNAVAILABLE, "There is no complete hour of demand yet; see /readyz.");
        err->retry_after_s = 5;
        return false;
    }
    if (*cutoff == HOUR_NONE) {
        *cutoff = newest;
    }
    if (*cutoff > newest || *cutoff < inputs->first_hour) {
        hour_format(*cutoff, asked);
        hour_format(newest, newest_text);
        hour_format(inputs->first_hour, first_text);
        return error_set_at(err, ERROR_UNPROCESSABLE, "/cutoff", "cutoff must be an hour from %s to %s, not %s.",
                            first_text, newest_text, asked);
    }
    return true;
}

bool trainer_post_run(Request *request, Response *response, Error *err)
{
    Trainer *trainer = request->service;
    RunInputs inputs = trainer_inputs(trainer);
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    RunRequest run = {.cutoff = HOUR_NONE};
    if (!read_run_request(request, &run, err) || !trainer_acquire(trainer, &connection, err) ||
        !check_cutoff(connection, &inputs, &run.cutoff, err) ||
        !pg_run(connection, &sql_insert_requested_run,
                PG_PARAMS(pg_text(run.kind), pg_hour(run.cutoff), pg_instant(inputs.now)), &rows, err)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        error_set(err, ERROR_UNAVAILABLE, "The same run is just being added; ask again.");
        err->retry_after_s = 1;
        return false;
    }
    int64_t run_id = pg_get_int(rows, 0, 0);
    if (pg_get_bool(rows, 0, 1)) {
        response_status(response, 202);
        trainer_wake("forecast-runner");
        trainer_wake("training-runner");
    }
    response_header(response, request, "Location",
                    arena_printf(request_arena(request), "/runs/%lld", (long long)run_id));
    return answer_document(connection, &sql_select_run_document, PG_PARAMS(pg_int(run_id)), response,
                           "The run is gone.", err);
}

/* A page of a list, newest first. */
static bool answer_page(Request *request, Response *response, const PgStatement *statement, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    int64_t limit, before;
    return request_query_int(request, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err) &&
           request_query_int(request, "before", 1, INT64_MAX, 0, &before, err) &&
           trainer_acquire(request->service, &connection, err) &&
           answer_document(connection, statement, PG_PARAMS(pg_int(limit), before == 0 ? pg_null() : pg_int(before)),
                           response, "", err);
}

/* The document of what the path names by number. */
static bool answer_one(Request *request, Response *response, const PgStatement *statement, const char *missing,
                       Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    int64_t id;
    return request_path_id(request, "id", &id, err) && trainer_acquire(request->service, &connection, err) &&
           answer_document(connection, statement, PG_PARAMS(pg_int(id)), response, missing, err);
}

bool trainer_get_runs(Request *request, Response *response, Error *err)
{
    return answer_page(request, response, &sql_select_run_documents, err);
}

bool trainer_get_run(Request *request, Response *response, Error *err)
{
    return answer_one(request, response, &sql_select_run_document, "There is no such run; GET /runs lists them.", err);
}

bool trainer_get_models(Request *request, Response *response, Error *err)
{
    return answer_page(request, response, &sql_select_model_documents, err);
}

bool trainer_promote_model(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    int64_t version;
    return request_path_id(request, "version", &version, err) && trainer_acquire(request->service, &connection, err) &&
           model_store_promote(connection, version, err) &&
           answer_document(connection, &sql_select_model_version_document, PG_PARAMS(pg_int(version)), response, "",
                           err);
}

bool trainer_get_backtest(Request *request, Response *response, Error *err)
{
    return answer_one(request, response, &sql_select_backtest_document,
                      "There is no such backtest; GET /runs lists the runs of kind backtest and train.", err);
}

bool trainer_get_schedule(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    return trainer_acquire(request->service, &connection, err) &&
           answer_document(connection, &sql_select_schedule_document, PG_PARAMS(pg_instant(clock_now())), response, "",
                           err);
}
