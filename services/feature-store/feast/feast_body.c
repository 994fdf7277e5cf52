#include "services/feature-store/feast/feast_body.h"

bool feast_body_read(const Request *request, yyjson_doc **ret_document, Error *err)
{
    yyjson_read_err problem;
    char *body = (char *)(uintptr_t)request->body; /* not written to without YYJSON_READ_INSITU */
    if (request->body_length_bytes == 0)
        return error_set(err, ERROR_MALFORMED, "a JSON object is needed, but there is nothing");
    yyjson_doc *document =
        yyjson_read_opts(body, request->body_length_bytes, YYJSON_READ_ALLOW_INF_AND_NAN, NULL, &problem);
    if (document == NULL)
        return error_set(err, ERROR_MALFORMED, "not valid JSON at byte %zu: %s", problem.pos, problem.msg);
    if (!yyjson_is_obj(yyjson_doc_get_root(document))) {
        yyjson_doc_free(document);
        return error_set(err, ERROR_UNPROCESSABLE, "the body must be a JSON object");
    }
    *ret_document = document;
    return true;
}

void feast_body_cleanup(yyjson_doc **document)
{
    yyjson_doc_free(*document);
}
