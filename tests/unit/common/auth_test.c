#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/auth.h"

static char path[] = "/tmp/rushcast-auth-XXXXXX";

static bool load(const char *text, Auth **ret_auth, Error *err)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    bool ok = auth_load(path, ret_auth, err);
    unlink(path);
    strcpy(path, "/tmp/rushcast-auth-XXXXXX");
    return ok;
}

Test(auth, without_a_file_everyone_may_do_everything)
{
    Auth *auth;
    cr_assert(auth_load("", &auth, NULL));
    cr_assert(auth_check(auth, NULL, SCOPE_OPERATE, NULL));
    auth_free(auth);
}

Test(auth, tokens_carry_scopes)
{
    Auth *auth;
    Error err;
    cr_assert(load("# people\nalpha read,operate\n\n  beta internal # service\n", &auth, &err), "%s", err.message);
    cr_assert(auth_check(auth, "Bearer alpha", SCOPE_READ, &err));
    cr_assert(auth_check(auth, "bearer  alpha", SCOPE_OPERATE, &err));
    cr_assert(auth_check(auth, "Bearer beta", SCOPE_INTERNAL, &err));
    cr_assert(auth_check(auth, NULL, SCOPE_PUBLIC, &err));
    cr_assert_not(auth_check(auth, "Bearer beta", SCOPE_READ, &err));
    cr_assert_eq(err.code, ERROR_FORBIDDEN);
    auth_free(auth);
}

Test(auth, unknown_callers_are_refused)
{
    static const char bad[][16] = {"Bearer alph", "Bearer alphaa", "Bearer ", "Basic alpha", "alpha", ""};
    Auth *auth;
    Error err;
    cr_assert(load("alpha read\n", &auth, &err));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_not(auth_check(auth, bad[i], SCOPE_READ, &err));
        cr_assert_eq(err.code, ERROR_UNAUTHENTICATED);
    }
    cr_assert_not(auth_check(auth, NULL, SCOPE_READ, &err));
    cr_assert_eq(err.code, ERROR_UNAUTHENTICATED);
    auth_free(auth);
}

static const struct {
    char text[32], message[48];
} bad_files[] = {
    {"a read\nb reed\n", "line 2: unknown scope \"reed\""},
    {"alpha\n", "line 1: `<token>"},
    {"alpha read write\n", "line 1: `<token>"},
    {"# nothing\n", "it has no token"},
};

Test(auth, bad_files_are_named_with_the_line)
{
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        Auth *auth = NULL;
        Error err;
        cr_assert_not(load(bad_files[i].text, &auth, &err));
        cr_assert_not_null(strstr(err.message, bad_files[i].message), "%s", err.message);
        cr_assert_null(auth);
    }
    Error err;
    Auth *auth;
    cr_assert_not(auth_load("/nonexistent/tokens", &auth, &err));
    cr_assert_not_null(strstr(err.message, "/nonexistent/tokens: No such file"));
    auth_free(NULL);
}
