/* Bodies of Feast's requests. */
#pragma once

#include <yyjson.h>
#include "common/request.h"

/* MALFORMED, or UNPROCESSABLE when it is no object. The document is the caller's. */
bool feast_body_read(const Request *request, yyjson_doc **ret_document, Error *err) MUST_CHECK;
void feast_body_cleanup(yyjson_doc **document);
#define FEAST_BODY_SCOPED __attribute__((cleanup(feast_body_cleanup)))
