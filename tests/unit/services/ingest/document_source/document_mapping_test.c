#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "services/ingest/document_source/document_mapping.h"

static const char mapping_text[] =
    "{\"source\":\"company-documents\",\"version\":\"1\",\"entities\":[{\"entity\":\"thing\",\"from\":\"things\","
    "\"description\":\"d\",\"owner\":\"o\",\"updated_at\":\"meta.changed\",\"columns\":["
    "{\"name\":\"id\",\"from\":\"_id\",\"type\":\"text\",\"key\":true,\"description\":\"d\"},"
    "{\"name\":\"size\",\"type\":\"integer\",\"required\":true,\"description\":\"d\"},"
    "{\"name\":\"price\",\"type\":\"decimal\",\"description\":\"d\"},"
    "{\"name\":\"weight\",\"type\":\"real\",\"description\":\"d\"},"
    "{\"name\":\"active\",\"type\":\"boolean\",\"description\":\"d\"},"
    "{\"name\":\"since\",\"type\":\"instant\",\"description\":\"d\"},"
    "{\"name\":\"born\",\"type\":\"date\",\"description\":\"d\"},"
    "{\"name\":\"note\",\"type\":\"text\",\"description\":\"d\"},"
    "{\"name\":\"more\",\"type\":\"json\",\"description\":\"d\"},"
    "{\"name\":\"lat\",\"from\":\"place.at.1\",\"type\":\"real\",\"description\":\"d\"}],"
    "\"children\":[{\"entity\":\"thing_part\",\"from\":\"inner.parts\",\"description\":\"d\",\"columns\":["
    "{\"name\":\"sku\",\"type\":\"text\",\"required\":true,\"description\":\"d\"},"
    "{\"name\":\"count\",\"from\":\"n.count\",\"type\":\"integer\",\"description\":\"d\"}]},"
    "{\"entity\":\"thing_tag\",\"from\":\"tags\",\"description\":\"d\",\"columns\":["
    "{\"name\":\"tag\",\"from\":\".\",\"type\":\"text\",\"description\":\"d\"}]}]}]}";

enum { ID, SIZE, PRICE, WEIGHT, ACTIVE, SINCE, BORN, NOTE, MORE, LAT };

static Arena *arena;
static EntityMapping mapping;
static DocumentPlan *plan;
static char drift[8192];

static void begin(void)
{
    Error err;
    arena = arena_new();
    cr_assert(entity_mapping_parse(mapping_text, strlen(mapping_text), "test", arena, &mapping, &err), "%s",
              err.message);
    plan = document_plan_new(&mapping.entities[0], arena);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(document_mapping, .init = begin, .fini = end);

static void note(void *context, const char *path, DriftKind kind, const char *value_type)
{
    static const char *const kinds[] = {"unknown", "missing", "type"};
    (void)context;
    size_t length = strlen(drift);
    snprintf(drift + length, sizeof drift - length, "%s %s %s;", kinds[kind], path, value_type);
}

static EntityChange read_bson(const bson_t *document)
{
    EntityChange change;
    drift[0] = '\0';
    document_read(plan, document, note, NULL, arena, &change);
    cr_assert_eq(change.entity, &mapping.entities[0]);
    cr_assert_eq(change.kind, ENTITY_PUT);
    JSON_SCOPED json_t *original = json_loads(change.original, 0, NULL);
    cr_assert_not_null(original, "%s", change.original);
    return change;
}

static EntityChange read_json(const char *extended_json)
{
    bson_error_t failure;
    bson_t *document = bson_new_from_json((const uint8_t *)extended_json, -1, &failure);
    cr_assert_not_null(document, "%s: %s", extended_json, failure.message);
    EntityChange change = read_bson(document);
    bson_destroy(document);
    return change;
}

#define DOCUMENT(...)                                                                                                  \
    "{\"_id\":\"a\",\"size\":1,\"meta\":{\"changed\":{\"$date\":\"2026-06-01T10:00:00.5Z\"}}" __VA_ARGS__ "}"

Test(document_mapping, paths_become_columns)
{
    EntityChange change = read_json(DOCUMENT(
        ",\"price\":{\"$numberDecimal\":\"12.50\"},\"weight\":2.5,\"active\":true,\"since\":{\"$date\":0},"
        "\"born\":\"2000-02-29\",\"note\":\"n\\u00f6\",\"more\":{\"a\":[1,null]},\"place\":{\"at\":[1.5,-32.25]}"));
    cr_assert_null(change.problems, "%s", change.problems);
    cr_assert_eq(change.valid_from, INT64_C(1780308000500000));
    static const char *const expected[] = {
        "a",     "1", "12.50", "2.5", "true", "1970-01-01T00:00:00Z", "2000-02-29", "n\xc3\xb6", "{\"a\":[1,null]}",
        "-32.25"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_expect_str_eq(change.row.values[i], expected[i]);
    cr_assert_str_eq(change.row.extra, "{\"place\":{\"at\":{\"0\":1.5}}}", "what no column takes is kept");
    cr_assert_str_eq(drift, "unknown place.at[] double;");
    cr_assert_eq(change.children[0].count, 0);
}

static const struct {
    const char *field; /* as extended JSON */
    int column;
    const char *value; /* NULL: null */
} readable[] = {
    {"\"size\":{\"$numberLong\":\"9223372036854775807\"}", SIZE, "9223372036854775807"},
    {"\"size\":7.0", SIZE, "7"},
    {"\"size\":\" 42 \"", SIZE, "42"},
    {"\"size\":\"-7.000\"", SIZE, "-7"},
    {"\"size\":{\"$numberDecimal\":\"1.2E+1\"}", SIZE, "12"},
    {"\"size\":null", SIZE, NULL},
    {"\"price\":3", PRICE, "3"},
    {"\"price\":0.1", PRICE, "0.1"},
    {"\"price\":\"123456789012345678901234567890.123456789\"", PRICE, "123456789012345678901234567890.123456789"},
    {"\"weight\":\"1e3\"", WEIGHT, "1e3"},
    {"\"weight\":{\"$numberLong\":\"4611686018427387904\"}", WEIGHT, "4611686018427387904"},
    {"\"active\":0", ACTIVE, "false"},
    {"\"active\":\"TRUE\"", ACTIVE, "true"},
    {"\"since\":\"2026-06-01T07:00:00-03:00\"", SINCE, "2026-06-01T10:00:00Z"},
    {"\"since\":{\"$numberLong\":\"1780308000123\"}", SINCE, "2026-06-01T10:00:00.123Z"},
    {"\"since\":1780308000", SINCE, "2026-06-01T10:00:00Z"},
    {"\"since\":{\"$date\":{\"$numberLong\":\"-1\"}}", SINCE, "1969-12-31T23:59:59.999Z"},
    {"\"born\":{\"$date\":\"2026-06-01T10:00:00Z\"}", BORN, "2026-06-01"},
    {"\"note\":5", NOTE, "5"},
    {"\"note\":true", NOTE, "true"},
    {"\"note\":{\"$oid\":\"5f43a1b2c3d4e5f601234567\"}", NOTE, "5f43a1b2c3d4e5f601234567"},
    {"\"note\":[1,\"x\"]", NOTE, "[1,\"x\"]"},
    {"\"note\":{\"$binary\":{\"base64\":\"AAECAwQFBgcICQoLDA0ODw==\",\"subType\":\"04\"}}", NOTE,
     "00010203-0405-0607-0809-0a0b0c0d0e0f"},
    {"\"more\":\"text\"", MORE, "\"text\""},
    {"\"more\":{\"$numberDouble\":\"NaN\"}", MORE, "\"NaN\""},
};

Test(document_mapping, reads_values_of_other_types_where_nothing_is_lost)
{
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
        char json[512];
        snprintf(json, sizeof json, "{\"_id\":\"a\",%s}", readable[i].field);
        EntityChange change = read_json(json);
        const char *value = change.row.values[readable[i].column];
        cr_expect_null(change.problems, "%s: %s", json, change.problems);
        cr_expect(readable[i].value ? value && strcmp(value, readable[i].value) == 0 : !value, "%s: %s", json,
                  value ? value : "null");
    }
}

static const struct {
    const char *field, *type;
} unreadable[] = {
    {"\"size\":7.5", "double"},
    {"\"size\":\"many\"", "string"},
    {"\"size\":\"9223372036854775808\"", "string"},
    {"\"size\":{\"$numberDouble\":\"1e19\"}", "double"},
    {"\"size\":{\"$numberDouble\":\"NaN\"}", "double"},
    {"\"size\":true", "bool"},
    {"\"size\":[1]", "array"},
    {"\"price\":{\"$numberDouble\":\"Infinity\"}", "double"},
    {"\"price\":{\"$numberDecimal\":\"NaN\"}", "decimal"},
    {"\"price\":\"1,50\"", "string"},
    {"\"weight\":\"1e999\"", "string"},
    {"\"weight\":{\"$numberLong\":\"9007199254740993\"}", "long"},
    {"\"weight\":\"-\"", "string"},
    {"\"active\":2", "int"},
    {"\"active\":\"yes\"", "string"},
    {"\"since\":\"yesterday\"", "string"},
    {"\"since\":{\"$date\":{\"$numberLong\":\"9223372036854775807\"}}", "date"},
    {"\"since\":{\"$numberDouble\":\"Infinity\"}", "double"},
    {"\"born\":\"2026-02-30\"", "string"},
    {"\"inner\":{\"parts\":\"none\"}", "string"},
};

Test(document_mapping, other_values_are_a_problem_and_drift)
{
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        char json[512], expected[128];
        snprintf(json, sizeof json, "{\"_id\":\"a\",%s}", unreadable[i].field);
        EntityChange change = read_json(json);
        const char *name = unreadable[i].field + 1;
        bool is_child = strncmp(name, "inner", 5) == 0;
        snprintf(expected, sizeof expected, "type %.*s %s;", is_child ? 11 : (int)strcspn(name, "\""),
                 is_child ? "inner.parts" : name, unreadable[i].type);
        cr_expect(change.problems && !strchr(change.problems, '\n'), "%s: %s", json, change.problems);
        cr_expect(strstr(drift, expected), "%s: %s", json, drift);
        cr_expect_str_eq(change.row.values[ID], "a");
    }
}

Test(document_mapping, arrays_become_rows)
{
    EntityChange change = read_json(
        DOCUMENT(",\"inner\":{\"parts\":[{\"sku\":\"s1\",\"n\":{\"count\":2}},{\"sku\":\"s2\",\"x\":1,\"y\":{\"z\":2}},"
                 "{\"x\":5},\"loose\"]},\"tags\":[\"red\",7,null]"));
    cr_assert_null(change.problems, "%s", change.problems);
    cr_assert_null(change.row.extra);
    const EntityRows *parts = &change.children[0], *tags = &change.children[1];
    cr_assert_eq(parts->count, 4);
    cr_assert_str_eq(parts->rows[0].values[0], "s1");
    cr_assert_str_eq(parts->rows[0].values[1], "2");
    cr_assert_null(parts->rows[0].extra);
    cr_assert_str_eq(parts->rows[1].extra, "{\"x\":1,\"y\":{\"z\":2}}");
    cr_assert_null(parts->rows[2].values[0]);
    cr_assert_str_eq(parts->rows[3].extra, "{\"item\":\"loose\"}");
    cr_assert_eq(tags->count, 3);
    cr_assert_str_eq(tags->rows[0].values[0], "red");
    cr_assert_str_eq(tags->rows[1].values[0], "7");
    cr_assert_null(tags->rows[2].values[0]);
    cr_assert_str_eq(drift,
                     "unknown inner.parts[].x int;unknown inner.parts[].y object;missing inner.parts[].sku ;"
                     "type inner.parts[] string;",
                     "once for each path, however many items: %s", drift);
}

Test(document_mapping, tells_what_is_unknown_and_missing)
{
    EntityChange change =
        read_json("{\"_id\":\"a\",\"color\":{\"r\":1},\"a.b\":1,\"\":2,\"place\":\"here\",\"more\":{}}");
    cr_assert_null(change.problems, "%s", change.problems);
    cr_assert_eq(change.valid_from, INSTANT_NONE);
    cr_assert_str_eq(change.row.extra, "{\"color\":{\"r\":1},\"a.b\":1,\"\":2,\"place\":\"here\"}");
    cr_assert_str_eq(drift,
                     "unknown color object;unknown a.b int;unknown  int;type place string;missing size ;"
                     "missing meta.changed ;",
                     "%s", drift);
    change = read_json("{\"_id\":\"a\",\"size\":1,\"meta\":{\"changed\":\"soon\",\"by\":\"me\"}}");
    cr_assert_eq(change.valid_from, INSTANT_NONE);
    cr_assert_str_eq(change.row.extra, "{\"meta\":{\"by\":\"me\"}}");
    cr_assert_str_eq(drift, "unknown meta.by string;type meta.changed string;", "%s", drift);
}

Test(document_mapping, a_document_without_its_key_is_a_problem)
{
    EntityChange change = read_json("{\"size\":1}");
    cr_assert_str_eq(change.problems, "_id: part of the key, and not there");
    bson_t empty = BSON_INITIALIZER;
    EntityValue values[16];
    cr_assert_not(document_read_key(plan, &empty, arena, values));
}

static EntityChange read_with_text(const char *key, const char *text, int length)
{
    bson_t document = BSON_INITIALIZER;
    bson_append_utf8(&document, "_id", -1, "a", -1);
    bson_append_int32(&document, "size", -1, 1);
    bson_append_utf8(&document, key, -1, text, length);
    EntityChange change = read_bson(&document);
    bson_destroy(&document);
    return change;
}

Test(document_mapping, texts_that_cannot_be_kept_are_problems)
{
    cr_assert_str_eq(read_with_text("note", "a\0b", 3).problems, "note: a text with a NUL\nnote: a text with a NUL");
    cr_assert_str_eq(read_with_text("other", "a\0b", 3).problems, "other: a text with a NUL");
    EntityChange change = read_with_text("other", "\xc3\x28", 2);
    cr_assert_str_eq(change.problems, "other: a text that is not UTF-8");
    cr_assert_str_eq(change.row.extra, "{\"other\":\"\xef\xbf\xbd(\"}");
    cr_assert_str_eq(read_with_text("\xff", "x", 1).problems, "?: a name that is not UTF-8");
    cr_assert_str_eq(read_with_text("$x", "x", 1).problems, "$x: a name that begins with $");
    cr_assert_str_eq(read_with_text("a\nb", "\xff", 1).problems, "a?b: a text that is not UTF-8");
    cr_assert_null(read_with_text("$ref", "x", 1).problems, "references between documents are written so");
    cr_assert(strstr(read_json(DOCUMENT(",\"note\":\"x\",\"note\":\"y\"")).problems, "note: twice in the document"));
}

static EntityChange read_nested(int depth)
{
    bson_t inner = BSON_INITIALIZER;
    for (int i = 0; i < depth; i++) {
        bson_t outer = BSON_INITIALIZER;
        bson_append_document(&outer, "d", -1, &inner);
        bson_destroy(&inner);
        bson_steal(&inner, &outer);
    }
    bson_t document = BSON_INITIALIZER;
    bson_append_utf8(&document, "_id", -1, "a", -1);
    bson_append_int32(&document, "size", -1, 1);
    bson_append_document(&document, "x", -1, &inner);
    EntityChange change = read_bson(&document);
    bson_destroy(&document);
    bson_destroy(&inner);
    return change;
}

Test(document_mapping, depth_is_bounded)
{
    cr_assert_null(read_nested(40).problems);
    cr_assert(strstr(read_nested(100).problems, "nested deeper than 64 levels"));
    cr_assert(strstr(read_nested(5000).problems, "nested deeper than 64 levels"));
}

Test(document_mapping, size_is_bounded)
{
    size_t length = 16 << 20;
    char *text = malloc(length);
    memset(text, 'x', length);
    EntityChange change = read_with_text("other", text, 16000000);
    cr_assert_str_eq(change.problems, "document: larger than 4 MiB");
    cr_assert_str_eq(change.row.values[ID], "a");
    cr_assert_null(change.row.values[SIZE]);
    cr_assert_str_eq(change.original, "{\"_id\":\"a\",\"$cut\":\"the document has 16000038 bytes\"}", "%s",
                     change.original);
    change = read_with_text("note", text, 2 << 20);
    cr_assert_str_eq(change.problems, "note: a value of more than 1 MiB");
    change = read_with_text("other", text, 2 << 20);
    cr_assert_str_eq(change.problems, "document: more than 1 MiB of fields that the mapping does not name");
    cr_assert_null(change.row.extra);
    free(text);
}

Test(document_mapping, arrays_of_any_length_do_no_harm)
{
    bson_t document = BSON_INITIALIZER, tags;
    bson_append_utf8(&document, "_id", -1, "a", -1);
    bson_append_int32(&document, "size", -1, 1);
    bson_append_array_begin(&document, "tags", -1, &tags);
    for (int i = 0; i <= DOCUMENT_ITEMS_MAX; i++)
        bson_append_int32(&tags, "same name", -1, i);
    bson_append_array_end(&document, &tags);
    EntityChange change = read_bson(&document);
    cr_assert_str_eq(change.problems, "tags: more than 10000 items");
    cr_assert_eq(change.children[1].count, 0);
    bson_destroy(&document);
}

Test(document_mapping, keys_are_read_alone)
{
    bson_t document = BSON_INITIALIZER;
    bson_oid_t oid;
    EntityValue values[16] = {0};
    bson_oid_init_from_string(&oid, "5f43a1b2c3d4e5f601234567");
    bson_append_oid(&document, "_id", -1, &oid);
    cr_assert(document_read_key(plan, &document, arena, values));
    cr_assert_str_eq(values[ID], "5f43a1b2c3d4e5f601234567");
    bson_destroy(&document);
}
