#include <stdlib.h>
#include <string.h>
#include "services/feature-store/feast/feast_frame.h"
#include "tests/fuzz/fuzz.h"

static const char *const declaration =
    "{\"name\": \"mixed\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 60, \"entities\": ["
    "{\"name\": \"n\", \"join_key\": \"n\", \"type\": \"int64\"}, {\"name\": \"k\", \"join_key\": \"k\"}],"
    "\"source\": {\"kind\": \"push\", \"name\": \"p\"}, \"features\": ["
    "{\"name\": \"i\", \"type\": \"int64\", \"description\": \"d\"},"
    "{\"name\": \"f\", \"type\": \"float64\", \"description\": \"d\"},"
    "{\"name\": \"b\", \"type\": \"bool\", \"description\": \"d\"},"
    "{\"name\": \"s\", \"type\": \"string\", \"description\": \"d\"},"
    "{\"name\": \"t\", \"type\": \"timestamp\", \"description\": \"d\"}]}";

/* What was taken can be stored: it packs, and is read again as it was. */
static void check_row(const FeatureView *view, const FeastFrameRow *row)
{
    Buffer packed;
    FeatureValue values[5];
    FeatureRow again = {.values = values};
    Error err;
    if (strlen(row->entity) > FEATURE_ENTITY_MAX)
        abort();
    buffer_init(&packed, 1 << 20);
    feature_row_pack(view, &row->row, &packed);
    if (!buffer_ok(&packed, &err) || !feature_row_unpack(view, packed.data, packed.length_bytes, NULL, &again, &err) ||
        again.event_timestamp != row->row.event_timestamp)
        abort();
    buffer_fini(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static FeatureViews views;
    Error err;
    if (views.count == 0 && !feature_views_load(&declaration, 1, &views, &err))
        abort();
    yyjson_doc *document = yyjson_read((const char *)data, length_bytes, YYJSON_READ_ALLOW_INF_AND_NAN);
    if (document == NULL)
        return 0;
    ARENA_SCOPED Arena *arena = arena_new();
    FeastFrame frame;
    if (feast_frame_read(yyjson_doc_get_root(document), &views.items[0], arena, &frame, &err)) {
        FeastFrame newest = feast_frame_newest(&frame, arena);
        if (newest.count > frame.count)
            abort();
        for (size_t i = 0; i < newest.count; i++)
            check_row(&views.items[0], &newest.rows[i]);
    }
    yyjson_doc_free(document);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"n\":[1,2],\"k\":[\"a\",\"b\"],\"event_timestamp\":[\"2026-11-23T10:00:00+0300\",1764000000],\"i\":[1,null],"
        "\"f\":[NaN,\"-Infinity\"],\"b\":[true,0],\"s\":[\"x\",\"\"],\"t\":[\"2026-11-23\",1764000000000],"
        "\"created\":[null,1764000000123456789]}",
        "{\"n\":[1],\"k\":[],\"event_timestamp\":[],\"i\":[],\"f\":[],\"b\":[],\"s\":[],\"t\":[]}",
        "{\"n\":[1.0],\"k\":[7],\"event_timestamp\":[-1],\"i\":[1e300],\"f\":[\"x\"],\"b\":[2],\"s\":[1],\"t\":[[]]}",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
