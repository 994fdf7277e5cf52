#include <criterion/criterion.h>

#include <string.h>

#include "common/router.h"

static bool handle_nothing(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)response;
    (void)err;
    return true;
}

static const Route service_rows[] = {
    {"GET", "/runs", SCOPE_READ, ROUTE_FAST, 0, handle_nothing},
    {"POST", "/runs", SCOPE_OPERATE, ROUTE_FAST, 100, handle_nothing},
    {"GET", "/runs/{id}", SCOPE_READ, ROUTE_FAST, 0, handle_nothing},
    {"GET", "/runs/latest", SCOPE_READ, ROUTE_FAST, 0, handle_nothing},
    {"DELETE", "/runs/{id}", SCOPE_OPERATE, ROUTE_FAST, 0, handle_nothing},
    {"POST", "/models/{name}/versions/{version}", SCOPE_OPERATE, ROUTE_FAST, 0, handle_nothing},
    {"GET", "/", SCOPE_READ, ROUTE_FAST, 0, handle_nothing},
    {0},
};
static const Route common_rows[] = {{"GET", "/healthz", SCOPE_PUBLIC, ROUTE_FAST, 0, handle_nothing}, {0}};
static const Route *const tables[] = {service_rows, common_rows, NULL};

static Router *router;
static Request request;
static Error error;

static void set_up(void)
{
    router = router_new(tables);
    request = (Request){0};
}

static void tear_down(void)
{
    arena_free(request.arena);
    router_free(router);
}

TestSuite(router, .init = set_up, .fini = tear_down);

static const Route *find(const char *method, const char *path)
{
    size_t index;
    if (!router_find(router, method, path, &request, &index, &error))
        return NULL;
    cr_assert_eq(request.route, router_route(router, index));
    return request.route;
}

Test(router, literal_paths_by_method)
{
    cr_assert_eq(find("GET", "/runs"), &service_rows[0]);
    cr_assert_eq(find("POST", "/runs"), &service_rows[1]);
    cr_assert_eq(find("GET", "/"), &service_rows[6]);
    cr_assert_eq(find("GET", "/healthz"), &common_rows[0]);
    cr_assert_eq(router_count(router), 8);
}

Test(router, head_finds_get)
{
    cr_assert_eq(find("HEAD", "/runs"), &service_rows[0]);
}

Test(router, parts_are_taken_in_order)
{
    cr_assert_eq(find("POST", "/models/a/versions/7"), &service_rows[5]);
    cr_assert_str_eq(request.path_values[0], "a");
    cr_assert_str_eq(request.path_values[1], "7");
    cr_assert_str_eq(request_path(&request, "version"), "7");
}

Test(router, a_literal_goes_before_a_pattern_of_the_same_method_only)
{
    cr_assert_eq(find("GET", "/runs/latest"), &service_rows[3]);
    cr_assert_eq(find("DELETE", "/runs/latest"), &service_rows[4]);
    cr_assert_str_eq(request.path_values[0], "latest");
}

Test(router, parts_are_decoded_after_the_path_was_split)
{
    cr_assert_not_null(find("GET", "/runs/a%2Fb%20c+d%C3%A9"));
    cr_assert_str_eq(request.path_values[0], "a/b c+dé");
}

Test(router, bad_escapes_are_malformed)
{
    static const char bad[][16] = {"/runs/%", "/runs/%4", "/runs/%zz", "/runs/a%00b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_null(find("GET", bad[i]));
        cr_assert_eq(error.code, ERROR_MALFORMED);
    }
}

Test(router, unknown_paths)
{
    static const char unknown[][32] = {
        "/run", "/runs/", "/runs//", "/runs/1/2", "", "*", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        cr_assert_null(find("GET", unknown[i]), "%s", unknown[i]);
        cr_assert_eq(error.code, ERROR_NOT_FOUND);
    }
}

Test(router, other_methods_are_told_which_work)
{
    cr_assert_null(find("PUT", "/runs"));
    cr_assert_eq(error.code, ERROR_METHOD_NOT_ALLOWED);
    cr_assert_not_null(strstr(error.message, "GET, HEAD, POST, OPTIONS"));
    cr_assert_str_eq(router_allowed_methods(router, "/runs/latest", request.arena), "GET, HEAD, DELETE, OPTIONS");
    cr_assert_null(router_allowed_methods(router, "/nothing", request.arena));
}
