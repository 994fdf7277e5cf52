#include "common/request.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

#include "common/router.h"

enum { CHOICES_MAX_BYTES = 256, SHOWN_MAX_BYTES = 64 };

Arena *request_arena(Request *request)
{
    if (request->arena == NULL)
        request->arena = arena_new();
    return request->arena;
}

bool request_must_wait(Request *request)
{
    assert(!request->may_wait);
    request->must_wait = true;
    return false;
}

const char *request_path(const Request *request, const char *name)
{
    size_t name_bytes = strlen(name);
    size_t value = 0;
    for (const char *at = strchr(request->route->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        if (strncmp(at + 1, name, name_bytes) == 0 && at[1 + name_bytes] == '}')
            return request->path_values[value];
        value++;
    }
    fprintf(stderr, "route %s has no {%s}\n", request->route->pattern, name);
    abort();
}

bool request_path_id(const Request *request, const char *name, int64_t *ret_id, Error *err)
{
    const char *text = request_path(request, name);
    errno = 0;
    long long id = strtoll(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || errno != 0 || id < 1)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, name, "%s must be a number from 1 on, not \"%.40s\"", name,
                            text);
    *ret_id = id;
    return true;
}

const char *request_query(const Request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const Request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static bool fail(const char *name, const char *text, const char *needed, Error *err)
{
    return error_set_at(err, ERROR_INVALID_ARGUMENT, name, "%s is \"%.*s\": %s is needed", name, SHOWN_MAX_BYTES, text,
                        needed);
}

bool request_query_int(const Request *request, const char *name, int64_t minimum, int64_t maximum, int64_t fallback,
                       int64_t *ret_value, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        *ret_value = fallback;
        return true;
    }
    size_t sign = text[0] == '-' ? 1 : 0;
    size_t digits = strspn(text + sign, "0123456789");
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (digits == 0 || text[sign + digits] != '\0' || errno != 0 || value < minimum || value > maximum) {
        char needed[96];
        snprintf(needed, sizeof(needed), "a whole number from %lld to %lld", (long long)minimum, (long long)maximum);
        return fail(name, text, needed, err);
    }
    *ret_value = value;
    return true;
}

bool request_query_real(const Request *request, const char *name, double minimum, double maximum, double fallback,
                        double *ret_value, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        *ret_value = fallback;
        return true;
    }
    /* The characters are checked first, because strtod also reads hexadecimal, "inf" and leading blanks. */
    char *end;
    double value = strtod(text, &end);
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || end == text || *end != '\0' ||
        !(value >= minimum && value <= maximum)) {
        char needed[96];
        snprintf(needed, sizeof(needed), "a number from %.15g to %.15g", minimum, maximum);
        return fail(name, text, needed, err);
    }
    *ret_value = value;
    return true;
}

bool request_query_hour(const Request *request, const char *name, Hour fallback, Hour *ret_hour, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        *ret_hour = fallback;
        return true;
    }
    return hour_parse(text, ret_hour, NULL) ||
           fail(name, text, "a whole hour in RFC 3339 (2026-11-23T16:00:00Z, 1970 to 2200; a + must be sent as %2B)",
                err);
}

bool request_query_instant(const Request *request, const char *name, Instant fallback, Instant *ret_instant, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        *ret_instant = fallback;
        return true;
    }
    return instant_parse(text, ret_instant, NULL) ||
           fail(name, text, "an instant in RFC 3339 (2026-11-23T16:04:11Z, 1970 to 2200; a + must be sent as %2B)",
                err);
}

bool request_query_bool(const Request *request, const char *name, bool fallback, bool *ret_value, Error *err)
{
    static const char *const words[] = {"false", "true", NULL};
    int index;
    if (!request_query_word(request, name, words, fallback ? 1 : 0, &index, err))
        return false;
    *ret_value = index == 1;
    return true;
}

static void join(const char *const *words, char *out, size_t out_bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && used < out_bytes; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i == 0 ? "" : ", ", words[i]);
}

bool request_query_word(const Request *request, const char *name, const char *const *words, int fallback,
                        int *ret_index, Error *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        *ret_index = fallback;
        return true;
    }
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_index = i;
            return true;
        }
    }
    char list[CHOICES_MAX_BYTES], needed[CHOICES_MAX_BYTES + 16];
    join(words, list, sizeof(list));
    snprintf(needed, sizeof(needed), "one of %s", list);
    return fail(name, text, needed, err);
}

typedef struct UnknownQuery {
    const char *const *names;
    const char *found; /* NULL: all are known */
} UnknownQuery;

static enum MHD_Result look_at_query(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind, (void)value;
    UnknownQuery *unknown = context;
    for (size_t i = 0; unknown->names[i] != NULL; i++) {
        if (strcmp(unknown->names[i], name) == 0)
            return MHD_YES;
    }
    unknown->found = name;
    return MHD_NO;
}

bool request_query_only(const Request *request, const char *const *names, Error *err)
{
    UnknownQuery unknown = {.names = names};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, look_at_query, &unknown);
    if (unknown.found == NULL)
        return true;
    char list[CHOICES_MAX_BYTES];
    join(names, list, sizeof(list));
    return error_set_at(err, ERROR_INVALID_ARGUMENT, unknown.found, "there is no query parameter \"%.*s\" here; %s%s",
                        SHOWN_MAX_BYTES, unknown.found, names[0] == NULL ? "this takes none" : "this takes ", list);
}

bool request_json(const Request *request, json_t **ret_json, Error *err)
{
    json_t *json;
    if (!json_parse(request->body, request->body_length_bytes, &json, err))
        return false;
    if (!json_is_object(json)) {
        json_decref(json);
        return error_set(err, ERROR_UNPROCESSABLE, "the body must be a JSON object");
    }
    *ret_json = json;
    return true;
}

/* How well a media range of an Accept header fits a type: 0 not at all, 1 for any type, 2 for a type's subtypes, 3. */
static int range_fit(const char *range, size_t range_bytes, const char *type)
{
    size_t type_bytes = strcspn(type, ";");
    if (range_bytes == type_bytes && strncasecmp(range, type, type_bytes) == 0)
        return 3;
    if (range_bytes == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    size_t major_bytes = strcspn(type, "/") + 1;
    if (range_bytes == major_bytes + 1 && range[major_bytes] == '*' && strncasecmp(range, type, major_bytes) == 0)
        return 2;
    return 0;
}

/* The q parameter of an element of the Accept header that ends before `end`; 1 when there is none. */
static double range_weight(const char *parameters, const char *end)
{
    for (const char *at = parameters; at < end; at++) {
        if (*at != ';')
            continue;
        const char *name = at + 1 + strspn(at + 1, " \t");
        if (name + 2 < end && (name[0] == 'q' || name[0] == 'Q') && name[1] == '=') {
            double weight = strtod(name + 2, NULL);
            return weight >= 0 && weight <= 1 ? weight : 0;
        }
    }
    return 1;
}

/* The weight that the most specific fitting range gives the type; 0: not acceptable. */
static double type_weight(const char *accept, const char *type)
{
    int best_fit = 0;
    double weight = 0;
    for (const char *at = accept; *at != '\0';) {
        at += strspn(at, " \t,");
        size_t length_bytes = strcspn(at, ",");
        size_t range_bytes = strcspn(at, "; \t,");
        int fit = range_fit(at, range_bytes, type);
        if (fit > best_fit) {
            best_fit = fit;
            weight = range_weight(at + range_bytes, at + length_bytes);
        }
        at += length_bytes;
    }
    return weight;
}

bool request_accepts(const Request *request, const char *const *types, int *ret_index, Error *err)
{
    const char *accept = request_header(request, MHD_HTTP_HEADER_ACCEPT);
    if (accept == NULL) {
        *ret_index = 0;
        return true;
    }
    int best = -1;
    double best_weight = 0;
    for (int i = 0; types[i] != NULL; i++) {
        double weight = type_weight(accept, types[i]);
        if (weight > best_weight) {
            best = i;
            best_weight = weight;
        }
    }
    if (best < 0) {
        char list[CHOICES_MAX_BYTES];
        join(types, list, sizeof(list));
        return error_set_at(err, ERROR_NOT_ACCEPTABLE, "Accept", "this is available as %s", list);
    }
    *ret_index = best;
    return true;
}
