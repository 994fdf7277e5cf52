/* Errors of clients in the form from which Feast's SDK raises the exception it knows. */
#pragma once

#include "common/buffer.h"
#include "common/response.h"

/* A JSON string that holds {"module", "class", "message"}: the SDK raises that class. err->pointer tells what is at
 * fault: "features", "full_feature_names", "feature_service", "feature_view_name", "push_source_name"; FeastError for
 * everything else. Pure. */
void feast_error_write(const Error *err, Buffer *out);

/* Answers so with the error's status and returns true, or returns false for an error of ours (5xx), which the router
 * answers. */
bool feast_answer_error(Response *response, const Error *err);
