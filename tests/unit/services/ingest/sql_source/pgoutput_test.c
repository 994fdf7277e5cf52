#include "services/ingest/sql_source/pgoutput.h"

#include <criterion/criterion.h>
#include <string.h>

static Arena *arena;

static void begin(void)
{
    arena = arena_new();
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(pgoutput, .init = begin, .fini = end);

#define BYTES(text) text, sizeof(text) - 1

static PgoutputMessage read_good(const char *data, size_t length_bytes)
{
    PgoutputMessage message;
    Error err = {0};
    cr_assert(pgoutput_read(data, length_bytes, arena, &message, &err), "%s", err.message);
    return message;
}

Test(pgoutput, reads_where_transactions_begin_and_end)
{
    PgoutputMessage message = read_good(BYTES("B\0\0\0\1\0\0\0\x10\0\2\xed\x97\x26\x04\xc8\0\0\0\2\xd7"));
    cr_assert_eq(message.kind, PGOUTPUT_BEGIN);
    cr_assert_eq(message.lsn, UINT64_C(0x100000010));
    cr_assert_eq(message.committed_at, INT64_C(0x2ed972604c800) + INT64_C(946684800000000));
    message = read_good(BYTES("C\0\0\0\0\1\0\0\0\x10\0\0\0\1\0\0\0\x40\0\0\0\0\0\0\0\1"));
    cr_assert_eq(message.kind, PGOUTPUT_COMMIT);
    cr_assert_eq(message.lsn, UINT64_C(0x100000040), "where the next may start, not where the commit is");
    cr_assert_eq(message.committed_at, INT64_C(946684800000001));
}

Test(pgoutput, reads_tables)
{
    PgoutputMessage message = read_good(
        BYTES("R\0\0\x40\1public\0customer\0d\0\2\1id\0\0\0\0\x19\xff\xff\xff\xff\0name\0\0\0\4\x13\0\0\0\x24"));
    cr_assert_eq(message.kind, PGOUTPUT_RELATION);
    cr_assert_eq(message.relation_id, 0x4001);
    cr_assert_str_eq(message.schema, "public");
    cr_assert_str_eq(message.table, "customer");
    cr_assert_eq(message.columns_count, 2);
    cr_assert_str_eq(message.columns[0].name, "id");
    cr_assert(message.columns[0].is_identity);
    cr_assert_eq(message.columns[0].type_oid, 25);
    cr_assert_not(message.columns[1].is_identity);
    cr_assert_str_eq(read_good(BYTES("R\0\0\0\1\0pg_class\0n\0\0")).schema, "pg_catalog");
}

Test(pgoutput, reads_values_nulls_and_what_did_not_change)
{
    PgoutputMessage message = read_good(BYTES("I\0\0\0\7N\0\3t\0\0\0\2ab"
                                              "nu"));
    cr_assert_eq(message.kind, PGOUTPUT_INSERT);
    cr_assert_eq(message.relation_id, 7);
    cr_assert_eq(message.old_row.count, 0);
    cr_assert_eq(message.row.count, 3);
    cr_assert_str_eq(message.row.values[0], "ab");
    cr_assert_null(message.row.values[1]);
    cr_assert_eq(message.row.values[2], pgoutput_unchanged);
}

Test(pgoutput, reads_old_rows)
{
    PgoutputMessage message = read_good(BYTES("U\0\0\0\7N\0\1t\0\0\0\1x"));
    cr_assert_eq(message.kind, PGOUTPUT_UPDATE);
    cr_assert_eq(message.old_row.count, 0);
    message = read_good(BYTES("U\0\0\0\7K\0\1t\0\0\0\1oN\0\1t\0\0\0\1x"));
    cr_assert_not(message.old_is_whole);
    cr_assert_str_eq(message.old_row.values[0], "o");
    cr_assert_str_eq(message.row.values[0], "x");
    message = read_good(BYTES("U\0\0\0\7O\0\1nN\0\1t\0\0\0\0"));
    cr_assert(message.old_is_whole);
    cr_assert_str_eq(message.row.values[0], "");
    message = read_good(BYTES("D\0\0\0\7K\0\2t\0\0\0\1on"));
    cr_assert_eq(message.kind, PGOUTPUT_DELETE);
    cr_assert_eq(message.old_row.count, 2);
    cr_assert_eq(message.row.count, 0);
}

Test(pgoutput, reads_truncations_and_passes_over_the_rest)
{
    PgoutputMessage message = read_good(BYTES("T\0\0\0\2\1\0\0\0\7\0\0\0\x9"));
    cr_assert_eq(message.kind, PGOUTPUT_TRUNCATE);
    cr_assert_eq(message.truncated_count, 2);
    cr_assert_eq(message.truncated[1], 9);
    cr_assert_eq(read_good(BYTES("O\0\0\0\0\0\0\0\1origin\0")).kind, PGOUTPUT_OTHER);
    cr_assert_eq(read_good(BYTES("Y\0\0\0\1public\0mood\0")).kind, PGOUTPUT_OTHER);
}

Test(pgoutput, refuses_what_is_no_message)
{
    static const struct {
        const char *data;
        size_t length_bytes;
        const char *says;
    } cases[] = {
        {BYTES(""), "too early"},
        {BYTES("?"), "unknown kind"},
        {BYTES("B\0\0\0"), "too early"},
        {BYTES("B\0\0\0\0\0\0\0\1\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"), "out of range"},
        {BYTES("I\0\0\0\7K\0\1n"), "marked wrongly"},
        {BYTES("D\0\0\0\7N\0\1n"), "marked wrongly"},
        {BYTES("I\0\0\0\7N\x7f\xff"), "too many columns"},
        {BYTES("I\0\0\0\7N\0\1t\xff\xff\xff\xffx"), "longer than the message"},
        {BYTES("I\0\0\0\7N\0\1t\0\0\0\2\0x"), "zero byte"},
        {BYTES("I\0\0\0\7N\0\1z"), "unknown kind"},
        {BYTES("I\0\0\0\7N\0\1nx"), "after its end"},
        {BYTES("R\0\0\0\1public"), "name does not end"},
        {BYTES("T\x7f\xff\xff\xff\0"), "too early"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PgoutputMessage message;
        Error err = {0};
        cr_expect_not(pgoutput_read(cases[i].data, cases[i].length_bytes, arena, &message, &err), "case %zu", i);
        cr_expect_eq(err.code, ERROR_MALFORMED);
        cr_expect(strstr(err.message, cases[i].says) != NULL, "case %zu: %s", i, err.message);
    }
}

Test(pgoutput, positions_are_read_as_they_are_written)
{
    char text[LSN_TEXT_MAX];
    Lsn lsn;
    const char *rest;
    lsn_format(UINT64_C(0x16b3748), text);
    cr_assert_str_eq(text, "0/16B3748");
    lsn_format(UINT64_MAX, text);
    cr_assert_str_eq(text, "FFFFFFFF/FFFFFFFF");
    cr_assert(lsn_parse(text, &lsn, NULL));
    cr_assert_eq(lsn, UINT64_MAX);
    cr_assert(lsn_parse("1/2a more", &lsn, &rest));
    cr_assert_eq(lsn, UINT64_C(0x10000002a));
    cr_assert_str_eq(rest, " more");
    cr_assert_not(lsn_parse("12", &lsn, NULL));
    cr_assert_not(lsn_parse("/1", &lsn, NULL));
    cr_assert_not(lsn_parse("123456789/1", &lsn, NULL));
}
