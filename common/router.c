#include "common/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_PARTS_MAX = 12, ROUTER_ROUTES_MAX = 256, ROUTER_SLOTS = 1024, VALUES_MAX = 4 };

typedef struct Part {
    const char *text; /* within the path or the pattern */
    size_t length_bytes;
} Part;

typedef struct Parts {
    Part items[ROUTE_PARTS_MAX];
    size_t count;
} Parts;

struct Router {
    const Route *routes[ROUTER_ROUTES_MAX];
    size_t count;
    uint16_t patterns[ROUTER_ROUTES_MAX]; /* indexes of the routes with {parts} */
    size_t patterns_count;
    /* Open addressing by path; 0: empty, else index + 1. Methods of one path lie one after the other. */
    uint16_t slots[ROUTER_SLOTS];
};

/* What is known about a path after looking at the routes. */
typedef struct Match {
    size_t index;
    bool found;
    bool path_exists; /* perhaps with other methods */
    Parts parts;      /* of the path, when the route has {parts} */
} Match;

/* FNV-1a */
static uint32_t path_hash(const char *path)
{
    uint32_t hash = 2166136261u;
    for (const unsigned char *c = (const unsigned char *)path; *c != '\0'; c++)
        hash = (hash ^ *c) * 16777619u;
    return hash ^ (hash >> 15);
}

static size_t first_slot(const char *path)
{
    return path_hash(path) & (ROUTER_SLOTS - 1);
}

static size_t next_slot(size_t slot)
{
    return (slot + 1) & (ROUTER_SLOTS - 1);
}

static bool split(const char *path, Parts *parts)
{
    parts->count = 0;
    if (path[0] != '/')
        return false;
    const char *at = path + 1;
    for (;;) {
        if (parts->count == ROUTE_PARTS_MAX)
            return false;
        size_t length_bytes = strcspn(at, "/");
        parts->items[parts->count++] = (Part){at, length_bytes};
        if (at[length_bytes] == '\0')
            return true;
        at += length_bytes + 1;
    }
}

static bool is_variable(const Part *part)
{
    return part->length_bytes >= 2 && part->text[0] == '{' && part->text[part->length_bytes - 1] == '}';
}

static bool pattern_matches(const char *pattern, const Parts *path)
{
    Parts wanted;
    if (!split(pattern, &wanted) || wanted.count != path->count)
        return false;
    for (size_t i = 0; i < wanted.count; i++) {
        const Part *want = &wanted.items[i], *have = &path->items[i];
        if (is_variable(want)
                ? have->length_bytes == 0
                : want->length_bytes != have->length_bytes || memcmp(want->text, have->text, have->length_bytes) != 0)
            return false;
    }
    return true;
}

static void add_literal(Router *router, size_t index)
{
    size_t slot = first_slot(router->routes[index]->pattern);
    while (router->slots[slot] != 0)
        slot = next_slot(slot);
    router->slots[slot] = (uint16_t)(index + 1);
}

static void add_route(Router *router, const Route *route)
{
    for (size_t i = 0; i < router->count; i++) {
        const Route *other = router->routes[i];
        assert(strcmp(other->method, route->method) != 0 || strcmp(other->pattern, route->pattern) != 0);
    }
    assert(router->count < ROUTER_ROUTES_MAX);
    size_t index = router->count++;
    router->routes[index] = route;
    if (strchr(route->pattern, '{') == NULL)
        add_literal(router, index);
    else
        router->patterns[router->patterns_count++] = (uint16_t)index;
}

Router *router_new(const Route *const tables[])
{
    Router *router = calloc(1, sizeof(*router));
    if (router == NULL)
        abort();
    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const Route *route = tables[t]; route->method != NULL; route++)
            add_route(router, route);
    }
    return router;
}

void router_free(Router *router)
{
    free(router);
}

size_t router_count(const Router *router)
{
    return router->count;
}

const Route *router_route(const Router *router, size_t index)
{
    assert(index < router->count);
    return router->routes[index];
}

/* Calls `visit` for each route with this path, literal ones first, until it returns true. */
static void visit_path(const Router *router, const char *path, Parts *parts,
                       bool (*visit)(void *context, size_t index, const Route *route), void *context)
{
    for (size_t slot = first_slot(path); router->slots[slot] != 0; slot = next_slot(slot)) {
        size_t index = router->slots[slot] - 1u;
        const Route *route = router->routes[index];
        if (strcmp(route->pattern, path) == 0 && visit(context, index, route))
            return;
    }
    if (router->patterns_count == 0 || !split(path, parts))
        return;
    for (size_t i = 0; i < router->patterns_count; i++) {
        size_t index = router->patterns[i];
        const Route *route = router->routes[index];
        if (pattern_matches(route->pattern, parts) && visit(context, index, route))
            return;
    }
}

typedef struct Search {
    const char *method;
    Match *match;
} Search;

static bool same_method(void *context, size_t index, const Route *route)
{
    const Search *search = context;
    search->match->path_exists = true;
    if (strcmp(route->method, search->method) != 0)
        return false;
    search->match->found = true;
    search->match->index = index;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool decode(const Part *part, Arena *arena, const char **ret_text, Error *err)
{
    char *out = arena_alloc(arena, part->length_bytes + 1);
    size_t length_bytes = 0;
    for (size_t i = 0; i < part->length_bytes; i++) {
        char c = part->text[i];
        if (c == '%') {
            int high = i + 2 < part->length_bytes ? hex_digit(part->text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(part->text[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return error_set(err, ERROR_MALFORMED,
                                 "the path has a %% that is not followed by two hexadecimal "
                                 "digits of a byte other than zero");
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[length_bytes++] = c;
    }
    out[length_bytes] = '\0';
    *ret_text = out;
    return true;
}

static bool read_values(const Route *route, const Parts *parts, Request *request, Error *err)
{
    Parts pattern;
    bool ok = split(route->pattern, &pattern);
    assert(ok);
    size_t values = 0;
    for (size_t i = 0; ok && i < pattern.count; i++) {
        if (!is_variable(&pattern.items[i]))
            continue;
        assert(values < VALUES_MAX);
        ok = decode(&parts->items[i], request_arena(request), &request->path_values[values++], err);
    }
    return ok;
}

typedef struct Allowed {
    const char *methods[8];
    size_t count;
} Allowed;

static bool collect_method(void *context, size_t index, const Route *route)
{
    (void)index;
    Allowed *allowed = context;
    for (size_t i = 0; i < allowed->count; i++) {
        if (strcmp(allowed->methods[i], route->method) == 0)
            return false;
    }
    assert(allowed->count < sizeof(allowed->methods) / sizeof(allowed->methods[0]));
    allowed->methods[allowed->count++] = route->method;
    return false;
}

const char *router_allowed_methods(const Router *router, const char *path, Arena *arena)
{
    Allowed allowed = {.count = 0};
    Parts parts;
    visit_path(router, path, &parts, collect_method, &allowed);
    if (allowed.count == 0)
        return NULL;
    char *text = arena_strdup(arena, "");
    for (size_t i = 0; i < allowed.count; i++) {
        const char *method = allowed.methods[i];
        text = arena_printf(arena, "%s%s%s, ", text, method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
    }
    return arena_printf(arena, "%sOPTIONS", text);
}

bool router_find(const Router *router, const char *method, const char *path, Request *request, size_t *ret_index,
                 Error *err)
{
    Match match = {.found = false, .path_exists = false};
    Search search = {.method = strcmp(method, "HEAD") == 0 ? "GET" : method, .match = &match};
    visit_path(router, path, &match.parts, same_method, &search);
    if (!match.path_exists)
        return error_set(err, ERROR_NOT_FOUND, "there is nothing at %s", path);
    if (!match.found)
        return error_set(err, ERROR_METHOD_NOT_ALLOWED, "%s does not work on %s, but %s", method, path,
                         router_allowed_methods(router, path, request_arena(request)));
    const Route *route = router->routes[match.index];
    if (strchr(route->pattern, '{') != NULL && !read_values(route, &match.parts, request, err))
        return false;
    request->route = route;
    *ret_index = match.index;
    return true;
}

const char *scope_name(Scope scope)
{
    static const char *const names[] = {[SCOPE_PUBLIC] = "public",
                                        [SCOPE_READ] = "read",
                                        [SCOPE_WRITE] = "write",
                                        [SCOPE_OPERATE] = "operate",
                                        [SCOPE_INTERNAL] = "internal"};
    return names[scope];
}
