#include <criterion/criterion.h>

#include <glib.h>
#include <string.h>

#include "common/error.h"

Test(error, set_fills_code_and_message_and_clears_the_rest)
{
    Error err = {.retry_after_s = 7, .pointer = "/old"};
    cr_assert_not(error_set(&err, ERROR_NOT_FOUND, "no geo %s", "x1"));
    cr_assert_eq(err.code, ERROR_NOT_FOUND);
    cr_assert_str_eq(err.message, "no geo x1");
    cr_assert_str_eq(err.pointer, "");
    cr_assert_eq(err.retry_after_s, 0);
}

Test(error, set_at_names_the_place)
{
    Error err;
    cr_assert_not(error_set_at(&err, ERROR_UNPROCESSABLE, "/items/0/sku", "is missing"));
    cr_assert_str_eq(err.pointer, "/items/0/sku");
}

Test(error, prefix_puts_context_before_the_message)
{
    Error err;
    error_set(&err, ERROR_UPSTREAM, "refused");
    cr_assert_not(error_prefix(&err, "calling %s", "ingest"));
    cr_assert_str_eq(err.message, "calling ingest: refused");
    cr_assert_eq(err.code, ERROR_UPSTREAM);
}

Test(error, long_messages_are_cut)
{
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    Error err;
    error_set(&err, ERROR_INTERNAL, "%s", text);
    cr_assert_eq(strlen(err.message), sizeof(err.message) - 1);
    error_prefix(&err, "%s", text);
    cr_assert_eq(strlen(err.message), sizeof(err.message) - 1);
}

Test(error, a_message_may_quote_the_one_before)
{
    Error err;
    error_set(&err, ERROR_INTERNAL, "inner");
    error_set(&err, ERROR_UPSTREAM, "outer (%s)", err.message);
    cr_assert_str_eq(err.message, "outer (inner)");
}

Test(error, null_is_accepted)
{
    cr_assert_not(error_set(NULL, ERROR_INTERNAL, "x"));
    cr_assert_not(error_set_at(NULL, ERROR_INTERNAL, "/x", "x"));
    cr_assert_not(error_prefix(NULL, "x"));
}

/* Half a character would make what is stored or sent of the message no UTF-8. */
Test(error, messages_are_cut_between_characters)
{
    for (int begin = 0; begin < 4; begin++) {
        char text[800] = "aaa";
        for (int i = 0; i < 190; i++)
            memcpy(text + begin + 4 * i, "\xf0\x9f\x9b\xb5", 4);
        Error err;
        error_set_at(&err, ERROR_INTERNAL, text, "%s", text);
        cr_expect(g_utf8_validate(err.message, -1, NULL));
        cr_expect(g_utf8_validate(err.pointer, -1, NULL));
        cr_expect_gt(strlen(err.message), sizeof(err.message) - 5);
        error_prefix(&err, "%s", "context");
        cr_expect(g_utf8_validate(err.message, -1, NULL));
    }
}

Test(error, codes_have_status_title_and_name)
{
    cr_assert_eq(error_http_status(ERROR_TOO_LARGE), 413);
    cr_assert_str_eq(error_title(ERROR_CONFLICT), "Conflict");
    cr_assert_str_eq(error_name(ERROR_METHOD_NOT_ALLOWED), "method-not-allowed");
    cr_assert_str_eq(error_name(ERROR_NONE), "none");
}

Test(error, transient_errors_are_worth_another_try)
{
    cr_assert(error_is_transient(&(Error){.code = ERROR_UNAVAILABLE}));
    cr_assert(error_is_transient(&(Error){.code = ERROR_OVERLOADED}));
    cr_assert_not(error_is_transient(&(Error){.code = ERROR_CONFLICT}));
    cr_assert_not(error_is_transient(&(Error){.code = ERROR_INTERNAL}));
}
