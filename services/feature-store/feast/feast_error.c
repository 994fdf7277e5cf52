#include "services/feature-store/feast/feast_error.h"

#include <string.h>

enum { ERROR_LIMIT_BYTES = 16 * 1024 };

static const struct {
    const char *pointer;
    ErrorCode code;
    const char *class;
} classes[] = {
    {"features", ERROR_NOT_FOUND, "FeatureViewNotFoundException"},
    {"full_feature_names", ERROR_UNPROCESSABLE, "FeatureNameCollisionError"},
    {"feature_service", ERROR_NOT_FOUND, "FeatureServiceNotFoundException"},
    {"feature_view_name", ERROR_NOT_FOUND, "FeastObjectNotFoundException"},
    {"push_source_name", ERROR_UNPROCESSABLE, "PushSourceNotFoundException"},
};

void feast_error_write(const Error *err, Buffer *out)
{
    const char *class = "FeastError";
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (err->code == classes[i].code && strcmp(err->pointer, classes[i].pointer) == 0)
            class = classes[i].class;
    }
    BUFFER_SCOPED Buffer inner;
    buffer_init(&inner, ERROR_LIMIT_BYTES);
    buffer_printf(&inner, "{\"module\": \"feast.errors\", \"class\": \"%s\", \"message\": ", class);
    buffer_append_json_string(&inner, err->message);
    buffer_append_char(&inner, '}');
    buffer_append_json_string(out, inner.data);
}

bool feast_answer_error(Response *response, const Error *err)
{
    int status = error_http_status(err->code);
    if (status >= 500)
        return false;
    BUFFER_SCOPED Buffer body;
    buffer_init(&body, ERROR_LIMIT_BYTES);
    feast_error_write(err, &body);
    response_status(response, status);
    response_buffer(response, "application/json", &body);
    return true;
}
