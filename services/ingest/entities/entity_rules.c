#include "services/ingest/entities/entity_rules.h"

#include <string.h>
#include "services/ingest/entities/entity_value.h"

enum { SHOWN_MAX_BYTES = 80 };

/* From the year 1 to the year 9999. */
static const Instant instant_first = INT64_C(-62135596800) * INSTANT_PER_SECOND;
static const Instant instant_last = INT64_C(253402300799) * INSTANT_PER_SECOND;

static bool fail(EntityFault *fault, const char *rule, const char *detail)
{
    fault->rule = rule;
    fault->detail = detail;
    return false;
}

/* "column: 'value' why"; of a personal column without the value. */
static const char *explain(const EntityColumn *column, const char *value, const char *why, Arena *arena)
{
    if (column->personal)
        return arena_printf(arena, "%s: the value %s", column->name, why);
    return arena_printf(arena, "%s: \"%.*s\" %s", column->name, SHOWN_MAX_BYTES, value, why);
}

static bool check_range(const EntityColumn *column, const char *value, Arena *arena, EntityFault *fault)
{
    if (column->minimum && entity_value_compare(value, column->minimum) < 0)
        return fail(fault, "range",
                    explain(column, value, arena_printf(arena, "is less than %s", column->minimum), arena));
    if (column->maximum && entity_value_compare(value, column->maximum) > 0)
        return fail(fault, "range",
                    explain(column, value, arena_printf(arena, "is more than %s", column->maximum), arena));
    return true;
}

static bool check_one_of(const EntityColumn *column, const char *value, Arena *arena, EntityFault *fault)
{
    const char *const *allowed = column->one_of;
    while (allowed && *allowed && strcmp(*allowed, value) != 0)
        allowed++;
    return !allowed || *allowed || fail(fault, "one_of", explain(column, value, "is not one of those allowed", arena));
}

static bool check_value(const EntityColumn *column, EntityValue value, Arena *arena, EntityFault *fault)
{
    const char *why;
    if (value == entity_value_unchanged)
        return true;
    if (!value)
        return !column->required || fail(fault, "required", arena_printf(arena, "%s: is missing", column->name));
    bool readable =
        column->key ? entity_value_check_key(column->type, value, &why) : entity_value_check(column->type, value, &why);
    if (!readable)
        return fail(fault, "unreadable", explain(column, value, why, arena));
    return check_range(column, value, arena, fault) && check_one_of(column, value, arena, fault);
}

static bool check_key(const Entity *entity, const EntityRow *row, Arena *arena, EntityFault *fault)
{
    size_t length = 0;
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        if (!column->key)
            continue;
        if (row->values[i] == entity_value_unchanged)
            return fail(fault, "unreadable", arena_printf(arena, "%s: the key was not sent", column->name));
        if (!check_value(column, row->values[i], arena, fault))
            return false;
        length += strlen(row->values[i]);
    }
    return length <= ENTITY_KEY_MAX_BYTES ||
           fail(fault, "unreadable", arena_printf(arena, "the key is longer than %d bytes", ENTITY_KEY_MAX_BYTES));
}

static bool check_row(const Entity *entity, const EntityRow *row, const char *erased, Arena *arena, EntityFault *fault)
{
    const char *why;
    for (size_t i = 0; i < entity->columns_count; i++) {
        bool is_erased = erased && strcmp(entity->columns[i].name, erased) == 0;
        if (!entity->columns[i].key && !is_erased && !check_value(&entity->columns[i], row->values[i], arena, fault))
            return false;
    }
    return !row->extra || entity_value_check(ENTITY_JSON, row->extra, &why) ||
           fail(fault, "unreadable",
                arena_printf(arena, "the fields that the mapping does not name: JSON that %s", why));
}

static bool check_children(const EntityChange *change, Arena *arena, EntityFault *fault)
{
    for (size_t c = 0; change->children && c < change->entity->children_count; c++) {
        const Entity *child = &change->entity->children[c];
        for (size_t i = 0; i < change->children[c].count; i++) {
            if (check_row(child, &change->children[c].rows[i], NULL, arena, fault))
                continue;
            fault->detail = arena_printf(arena, "%s %zu: %s", child->name, i, fault->detail);
            return false;
        }
    }
    return true;
}

bool entity_rules_check(const EntityChange *change, Arena *arena, EntityFault *ret_fault)
{
    *ret_fault = (EntityFault){.key_unreadable = true};
    if (!check_key(change->entity, &change->row, arena, ret_fault))
        return false;
    ret_fault->key_unreadable = false;
    if (change->problems)
        return fail(ret_fault, "unreadable", change->problems);
    if (change->valid_from != INSTANT_NONE && (change->valid_from < instant_first || change->valid_from > instant_last))
        return fail(ret_fault, "unreadable", "when it changed is not within the years 1 to 9999");
    return change->kind == ENTITY_DELETE ||
           (check_row(change->entity, &change->row, change->subject_erased ? change->entity->subject : NULL, arena,
                      ret_fault) &&
            check_children(change, arena, ret_fault));
}
