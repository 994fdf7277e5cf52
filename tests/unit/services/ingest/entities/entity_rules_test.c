#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/entities/entity_rules.h"

static const char *const colours[] = {"red", "blue", NULL};
static EntityColumn columns[] = {
    {.name = "id", .type = ENTITY_TEXT, .key = true, .required = true},
    {.name = "size", .type = ENTITY_INTEGER, .minimum = "0", .maximum = "10"},
    {.name = "colour", .type = ENTITY_TEXT, .one_of = colours},
    {.name = "email", .type = ENTITY_TEXT, .personal = true, .required = true},
};
static Entity child = {.name = "part", .columns = &columns[1], .columns_count = 1};
static const Entity thing = {
    .name = "thing", .columns = columns, .columns_count = 4, .children = &child, .children_count = 1};

/* NULL: no rule is broken. */
static const char *broken(EntityChange *change, const char *id, const char *size, const char *colour, const char *email)
{
    static char text[300];
    EntityFault fault;
    EntityValue values[] = {id, size, colour, email};
    ARENA_SCOPED Arena *arena = arena_new();
    change->entity = &thing;
    change->row.values = values;
    if (change->valid_from == 0)
        change->valid_from = INSTANT_NONE;
    if (entity_rules_check(change, arena, &fault))
        return NULL;
    snprintf(text, sizeof text, "%s; %s%s", fault.rule, fault.detail, fault.key_unreadable ? " (key)" : "");
    return text;
}

#define BROKEN(...) broken(&(EntityChange){0}, __VA_ARGS__)

Test(entity_rules, hold_each_value_against_its_column)
{
    cr_assert_null(BROKEN("a", "0", "red", "x"));
    cr_assert_null(BROKEN("a", NULL, NULL, "x"));
    cr_assert_null(BROKEN("a", entity_value_unchanged, entity_value_unchanged, entity_value_unchanged));
    cr_assert_str_eq(BROKEN("a", "-1", "red", "x"), "range; size: \"-1\" is less than 0");
    cr_assert_str_eq(BROKEN("a", "11", "red", "x"), "range; size: \"11\" is more than 10");
    cr_assert_str_eq(BROKEN("a", "x", "red", "x"), "unreadable; size: \"x\" is not a whole number of 64 bits");
    cr_assert_str_eq(BROKEN("a", "1", "green", "x"), "one_of; colour: \"green\" is not one of those allowed");
    cr_assert_str_eq(BROKEN("a", "1", "red", NULL), "required; email: is missing");
}

Test(entity_rules, details_do_not_show_personal_values)
{
    cr_assert_str_eq(BROKEN("a", "1", "red", "\xff"), "unreadable; email: the value is not UTF-8");
}

Test(entity_rules, a_key_must_be_readable_and_short)
{
    char longer[ENTITY_KEY_MAX_BYTES + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    cr_assert_str_eq(BROKEN(NULL, "1", "red", "x"), "required; id: is missing (key)");
    cr_assert(strstr(BROKEN(longer, "1", "red", "x"), "unreadable; the key is longer"));
    cr_assert(strstr(BROKEN(entity_value_unchanged, "1", "red", "x"), "was not sent (key)"));
}

Test(entity_rules, of_a_deletion_only_the_key_counts)
{
    cr_assert_null(broken(&(EntityChange){.kind = ENTITY_DELETE}, "a", "x", "green", NULL));
}

Test(entity_rules, hold_children_and_the_rest_too)
{
    EntityValue bad[] = {"11"};
    EntityRow rows[] = {{.values = bad}};
    EntityRows children[] = {{.rows = rows, .count = 1}};
    cr_assert_str_eq(broken(&(EntityChange){.children = children}, "a", "1", "red", "x"),
                     "range; part 0: size: \"11\" is more than 10");
    cr_assert(
        strstr(broken(&(EntityChange){.row.extra = "{\"a\":\"\\u0000\"}"}, "a", "1", "red", "x"), "unreadable; "));
    cr_assert_str_eq(broken(&(EntityChange){.problems = "size: an object"}, "a", "1", "red", "x"),
                     "unreadable; size: an object");
    cr_assert(strstr(broken(&(EntityChange){.valid_from = INT64_MAX}, "a", "1", "red", "x"), "years 1 to 9999"));
}
