#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "services/ingest/entities/entity.h"

static Arena *arena;

static void begin(void)
{
    arena = arena_new();
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(entity_mapping, .init = begin, .fini = end);

#define COLUMN(more) "{\"name\": \"id\", \"type\": \"text\", \"description\": \"Id\"" more "}"
#define KEY COLUMN(", \"key\": true")
#define ENTITY(name, more, columns)                                                                                    \
    "{\"entity\": \"" name "\", \"from\": \"t\", \"description\": \"D\", \"owner\": \"o\"" more                        \
    ", \"columns\": [" columns "]}"
#define MAPPING(entities) "{\"source\": \"s\", \"version\": \"1\", \"entities\": [" entities "]}"

static EntityMapping parse(const char *json)
{
    Error err;
    EntityMapping mapping;
    cr_assert(entity_mapping_parse(json, strlen(json), "m.json", arena, &mapping, &err), "%s", err.message);
    return mapping;
}

static void check_refused(const char *json, const char *pointer, const char *message)
{
    Error err = {0};
    EntityMapping mapping;
    cr_assert_not(entity_mapping_parse(json, strlen(json), "m.json", arena, &mapping, &err), "%s", json);
    cr_assert(strstr(err.message, message), "%s", err.message);
    cr_assert(strstr(err.message, "m.json"), "%s", err.message);
    cr_assert(strstr(err.message, pointer), "%s", err.message);
}

Test(entity_mapping, reads_all_of_an_entity)
{
    EntityMapping mapping = parse(MAPPING(
        ENTITY("branch",
               ", \"updated_at\": \"u\", \"subject\": \"who\", \"latitude\": \"lat\", \"longitude\": \"lon\","
               " \"children\": [{\"entity\": \"opening\", \"from\": \"hours\", \"description\": \"H\", \"columns\": ["
               "{\"name\": \"day\", \"type\": \"integer\", \"required\": true, \"minimum\": 0, \"maximum\": \"6.5\","
               " \"description\": \"Day\"}]}]",
               KEY ",{\"name\": \"lat\", \"from\": \"location.1\", \"type\": \"real\", \"description\": \"L\"},"
                   "{\"name\": \"lon\", \"type\": \"real\", \"description\": \"L\"},"
                   "{\"name\": \"who\", \"type\": \"text\", \"one_of\": [\"a\", \"b\"], \"description\": \"W\"},"
                   "{\"name\": \"phone\", \"type\": \"text\", \"personal\": true, \"description\": \"P\"}")));
    const Entity *branch = entity_find(&mapping, "branch"), *opening = entity_find(&mapping, "opening");
    cr_assert_str_eq(mapping.source, "s");
    cr_assert_str_eq(branch->updated_at, "u");
    cr_assert_str_eq(branch->subject, "who");
    cr_assert_str_eq(branch->latitude, "lat");
    cr_assert_eq(branch->columns_count, 5);
    cr_assert(branch->columns[0].key && branch->columns[0].required);
    cr_assert_str_eq(branch->columns[0].from, "id");
    cr_assert_str_eq(branch->columns[1].from, "location.1");
    cr_assert_str_eq(branch->columns[3].one_of[1], "b");
    cr_assert_null(branch->columns[3].one_of[2]);
    cr_assert(branch->columns[4].personal);
    cr_assert_eq(opening->parent, branch);
    cr_assert_str_eq(opening->columns[0].minimum, "0");
    cr_assert_str_eq(opening->columns[0].maximum, "6.5");
    cr_assert_null(entity_find(&mapping, "nothing"));
    cr_assert_eq(entity_column_index(branch, "lon"), 2);
    cr_assert_eq(entity_column_index(branch, "nothing"), -1);
}

#define REFERRING(name, to)                                                                                            \
    ENTITY(name, "", KEY ",{\"name\": \"r\", \"type\": \"text\", \"references\": \"" to "\", \"description\": \"R\"}")

Test(entity_mapping, what_is_referred_to_comes_first)
{
    EntityMapping mapping = parse(MAPPING(REFERRING("c", "b") "," REFERRING("b", "a") "," REFERRING("a", "a")));
    cr_assert_str_eq(mapping.entities[0].name, "a");
    cr_assert_str_eq(mapping.entities[1].name, "b");
    cr_assert_str_eq(mapping.entities[2].name, "c");
    cr_assert_eq(mapping.entities[2].columns[1].referenced, &mapping.entities[1]);
    cr_assert_eq(mapping.entities[0].columns[1].referenced, &mapping.entities[0]);
    check_refused(MAPPING(REFERRING("a", "b") "," REFERRING("b", "a")), "/entities", "in a circle");
    check_refused(MAPPING(REFERRING("a", "z")), "/entities/0/columns/1/references", "not \"z\"");
}

Test(entity_mapping, refuses_what_it_does_not_know)
{
    check_refused("[]", "m.json", "an object is needed");
    check_refused("{", "m.json", "not valid JSON");
    check_refused("{\"source\": \"s\", \"version\": \"1\", \"entities\": []}", "/entities", "1 to 64 entities");
    check_refused("{\"source\": \"s\", \"version\": \"1\", \"more\": 1}", "/more",
                  "there is no such key; allowed are source, version, entities");
    check_refused(MAPPING(ENTITY("a", ", \"colour\": 1", KEY)), "/entities/0/colour", "there is no such key");
    check_refused(MAPPING(ENTITY("a", "", COLUMN(", \"key\": true, \"size\": 1"))), "/entities/0/columns/0/size",
                  "there is no such key");
    check_refused(MAPPING(ENTITY("a", "", COLUMN(", \"key\": 1"))), "/entities/0/columns/0/key", "true or false");
    check_refused(MAPPING(ENTITY("a", ", \"subject\": \"b\"", KEY)), "/entities/0/subject", "the name of a column");
    check_refused(MAPPING(ENTITY("a", ", \"latitude\": \"id\"", KEY)), "/entities/0/latitude", "type real");
}

Test(entity_mapping, names_are_fit_for_sql)
{
    static const char *const bad[] = {"", "A", "1a", "a b", "a\\\"b", "ä", "a-b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char json[512];
        snprintf(json, sizeof json, MAPPING(ENTITY("%s", "", KEY)), bad[i]);
        check_refused(json, "/entities/0/entity", "needed");
    }
    check_refused(MAPPING(ENTITY("a_history", "", KEY)), "/entities/0/entity", "Rushcast's own");
    check_refused(MAPPING(ENTITY("a", "", KEY "," KEY)), "/entities/0/columns/1/name", "twice");
    check_refused(MAPPING(ENTITY("a", "", KEY) "," ENTITY("a", "", KEY)), "/entities/0/entity", "twice");
    check_refused(
        MAPPING(ENTITY("a", "", KEY ",{\"name\": \"valid_from\", \"type\": \"text\", \"description\": \"d\"}")),
        "/entities/0/columns/1/name", "taken");
}

Test(entity_mapping, rules_fit_their_columns)
{
    check_refused(MAPPING(ENTITY("a", "", COLUMN(""))), "/entities/0/columns", "\"key\": true");
    check_refused(MAPPING(ENTITY("a", "", COLUMN(", \"key\": true, \"personal\": true"))),
                  "/entities/0/columns/0/personal", "can't be kept apart");
    check_refused(MAPPING(ENTITY("a", "", COLUMN(", \"key\": true, \"minimum\": 1"))), "/entities/0/columns/0/minimum",
                  "have bounds");
    check_refused(MAPPING(ENTITY("a", "", COLUMN(", \"key\": true, \"one_of\": []"))), "/entities/0/columns/0/one_of",
                  "a list of 1 to");
    check_refused(MAPPING(ENTITY("a", "", "{\"name\": \"id\", \"type\": \"text\", \"key\": true}")),
                  "/entities/0/columns/0/description", "is missing");
    check_refused(
        MAPPING(ENTITY("a", "", "{\"name\": \"id\", \"type\": \"json\", \"key\": true, \"description\": \"d\"}")),
        "/entities/0/columns/0/type", "a key is of type text, integer or date");
    check_refused(MAPPING(ENTITY("a", "", "{\"name\": \"id\", \"type\": \"varchar\", \"description\": \"d\"}")),
                  "/entities/0/columns/0/type", "allowed are text, integer, real");
}

Test(entity_mapping, a_file_replaces_the_embedded_one)
{
    Error err;
    EntityMapping mapping;
    cr_assert(entity_mapping_load("", entity_mapping_company_sql, "company-sql.json", arena, &mapping, &err), "%s",
              err.message);
    cr_assert_str_eq(mapping.source, "company-sql");
    cr_assert(
        entity_mapping_load("", entity_mapping_company_documents, "company-documents.json", arena, &mapping, &err),
        "%s", err.message);
    cr_assert_str_eq(mapping.source, "company-documents");
    cr_assert_not(entity_mapping_load("/nowhere.json", "", "", arena, &mapping, &err));
    cr_assert_eq(err.code, ERROR_NOT_FOUND);
    char path[] = "/tmp/mapping_XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    fputs(MAPPING(ENTITY("a", "", KEY)), file);
    fclose(file);
    cr_assert(entity_mapping_load(path, "", "", arena, &mapping, &err), "%s", err.message);
    cr_assert_str_eq(mapping.source, "s");
    unlink(path);
}
