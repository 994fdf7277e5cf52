#include "services/feature-store/offline/historical_body.h"

#include <string.h>
#include <strings.h>

typedef bool TableReader(const char *data, size_t length_bytes, Arena *arena, EntityTable *ret_table, Error *err);

static const struct {
    const char *media_type;
    TableReader *read; /* NULL: JSON */
} kinds[] = {
    {"application/json", NULL},
    {"application/x-www-form-urlencoded", NULL}, /* what curl -d says when it is not told */
    {"application/vnd.apache.arrow.stream", entity_table_from_arrow},
    {"text/csv", entity_table_from_csv},
};

static bool find_reader(const Request *request, TableReader **ret_reader, Error *err)
{
    const char *type = request_header(request, "Content-Type");
    if (type == NULL)
        type = kinds[0].media_type;
    size_t length = strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].media_type) == length && strncasecmp(type, kinds[i].media_type, length) == 0) {
            *ret_reader = kinds[i].read;
            return true;
        }
    }
    return error_set_at(err, ERROR_UNSUPPORTED_MEDIA, "Content-Type",
                        "the body must be application/json, application/vnd.apache.arrow.stream or text/csv");
}

static bool read_json(const Request *request, Arena *arena, yyjson_doc **ret_document, HistoricalQuestion *ret_question,
                      EntityTable *ret_table, Error *err)
{
    yyjson_read_err problem;
    char *body = (char *)(uintptr_t)request->body; /* not written to without YYJSON_READ_INSITU */
    if (request->body_length_bytes == 0)
        return error_set(err, ERROR_MALFORMED, "a JSON object is needed, but there is nothing");
    *ret_document = yyjson_read_opts(body, request->body_length_bytes, YYJSON_READ_ALLOW_INF_AND_NAN, NULL, &problem);
    if (*ret_document == NULL)
        return error_set(err, ERROR_MALFORMED, "not valid JSON at byte %zu: %s", problem.pos, problem.msg);
    yyjson_val *root = yyjson_doc_get_root(*ret_document);
    if (!yyjson_is_obj(root))
        return error_set(err, ERROR_UNPROCESSABLE, "the body must be a JSON object");
    return historical_question_read(root, arena, ret_question, err) &&
           entity_table_from_json(yyjson_obj_get(root, "entities"), arena, ret_table, err);
}

static bool split_features(const char *list, Arena *arena, HistoricalQuestion *question, Error *err)
{
    const char **texts = arena_array(arena, FEAST_FEATURES_MAX, sizeof(*texts));
    char *rest = NULL;
    for (char *text = strtok_r(arena_strdup(arena, list), ",", &rest); text != NULL;
         text = strtok_r(NULL, ",", &rest)) {
        if (question->features_count == FEAST_FEATURES_MAX)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features", "at most %d features in one request",
                                FEAST_FEATURES_MAX);
        texts[question->features_count++] = text;
    }
    question->features = texts;
    return true;
}

static bool read_query(const Request *request, Arena *arena, HistoricalQuestion *ret_question, Error *err)
{
    static const char *const names[] = {"features", "feature_service", "full_feature_names", "recorded", NULL};
    static const char *const recorded_words[] = {"before", "any", NULL};
    const char *features = request_query(request, "features");
    HistoricalQuestion question = {.feature_service = request_query(request, "feature_service")};
    int recorded = 0;
    if (!request_query_only(request, names, err) ||
        !request_query_bool(request, "full_feature_names", false, &question.full_feature_names, err) ||
        !request_query_word(request, "recorded", recorded_words, 0, &recorded, err) ||
        (features != NULL && !split_features(features, arena, &question, err)))
        return false;
    question.any_recorded = recorded == 1;
    *ret_question = question;
    return true;
}

bool historical_body_read(Request *request, yyjson_doc **ret_document, HistoricalQuestion *ret_question,
                          EntityTable *ret_table, Error *err)
{
    Arena *arena = request_arena(request);
    TableReader *reader = NULL;
    if (!find_reader(request, &reader, err))
        return false;
    if (reader == NULL)
        return read_json(request, arena, ret_document, ret_question, ret_table, err);
    return read_query(request, arena, ret_question, err) &&
           reader(request->body, request->body_length_bytes, arena, ret_table, err);
}
