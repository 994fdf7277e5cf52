#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/entities/entity_sql.h"

static const char json[] = "{\"source\": \"s\", \"version\": \"1\", \"entities\": [{\"entity\": \"e\", \"from\": "
                           "\"t\", \"description\": \"D\","
                           "\"owner\": \"o\", \"columns\": ["
                           "{\"name\": \"a\", \"type\": \"text\", \"key\": true, \"description\": \"A\"},"
                           "{\"name\": \"p\", \"type\": \"text\", \"personal\": true, \"description\": \"P\"},"
                           "{\"name\": \"v\", \"type\": \"instant\", \"description\": \"V\"},"
                           "{\"name\": \"b\", \"type\": \"integer\", \"key\": true, \"description\": \"B\"}],"
                           "\"children\": [{\"entity\": \"c\", \"from\": \"x\", \"description\": \"C\", \"columns\": ["
                           "{\"name\": \"w\", \"type\": \"json\", \"description\": \"W\"}]}]}]}";

static void check(const char *entity, const char *template, const char *expected)
{
    Error err;
    ARENA_SCOPED Arena *arena = arena_new();
    EntityMapping mapping;
    cr_assert(entity_mapping_parse(json, strlen(json), "m.json", arena, &mapping, &err), "%s", err.message);
    cr_assert_str_eq(entity_sql_fill(template, entity_find(&mapping, entity), arena), expected);
}

Test(entity_sql, fills_lists_of_columns)
{
    check("e", "{name}: {keys|\"$c\" $t$l|, }", "e: \"a\" text COLLATE \"C\", \"b\" bigint");
    check("e", "x{values|, $c $t $i|}{personal|, $c $i|}", "x, v timestamp with time zone 2, p 1");
    check("e", "{all|$c| }", "a b v p");
    check("e", "{children|[$c $i]|}", "[c 0]");
    check("e", "$1 {keys|$c = $2| AND }", "$1 a = $2 AND b = $2");
}

Test(entity_sql, a_childs_key_is_its_parents_and_the_position)
{
    check("c", "{parent} {keys|$c $t|, }", "e a text, b bigint, position integer");
    check("c", "{parent_keys|$c|, };{values|$c|, };{personal|$c|, };{children|$c|}", "a, b;w;;");
}

Test(entity_sql, literals_are_quoted)
{
    ARENA_SCOPED Arena *arena = arena_new();
    cr_assert_str_eq(entity_sql_literal("it's a \\", arena), " E'it''s a \\\\'");
}
