#include <criterion/criterion.h>
#include <unistd.h>
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(geo_directory, .init = ingest_database_begin, .fini = ingest_database_end);

enum { LOOKS_AGAIN_US = 2100000 };

/* Another process locates the branch. */
static void locate_elsewhere(const char *branch_id, int64_t batch_id, const char *located_at)
{
    ingest_database_number("WITH batch AS (INSERT INTO raw.batch (batch_id, commit_seq, source, messages, events,"
                           " duplicates, dead_letters) VALUES (%lld, %lld, 'company-documents', 1, 1, 0, 0)),"
                           " located AS (INSERT INTO core.branch_location VALUES ('%s', (SELECT min(geo_id) FROM"
                           " core.geo WHERE kind = 'cell'), -32.9, -60.6, '%s', 'documents', %lld))"
                           " SELECT 1",
                           (long long)batch_id, (long long)batch_id, branch_id, located_at, (long long)batch_id);
}

static int32_t place(const char *branch_id)
{
    Error err;
    BatchOrder placed = {.order = {.branch_id = {branch_id, 8}}};
    cr_assert(geo_directory_place(ingest_database.directory, NULL, &placed, &err), "%s", err.message);
    return placed.geo_id;
}

Test(geo_directory, learns_branches_that_others_located)
{
    Error err;
    int32_t geo_id;
    cr_assert(geo_directory_locate(ingest_database.directory, -32.9, -60.6, &geo_id, &err), "%s", err.message);
    locate_elsewhere("branch-a", 1001, "2026-01-01T00:00:00Z");
    cr_assert(geo_directory_learn(ingest_database.directory, &err));
    cr_assert_eq(place("branch-a"), GEO_UNPLACED, "it looks only from time to time");
    usleep(LOOKS_AGAIN_US);
    cr_assert(geo_directory_learn(ingest_database.directory, &err), "%s", err.message);
    cr_assert_eq(place("branch-a"), geo_id);

    locate_elsewhere("branch-b", 1002, "2026-01-01T00:00:00Z");
    usleep(LOOKS_AGAIN_US);
    cr_assert(geo_directory_learn(ingest_database.directory, &err), "%s", err.message);
    cr_assert_eq(place("branch-b"), geo_id);
    cr_assert_eq(place("branch-a"), geo_id);
    cr_assert_eq(place("branch-c"), GEO_UNPLACED);
}
