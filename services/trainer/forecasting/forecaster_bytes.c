/* A forecaster as bytes: header, tables, booster. For the machine kind that wrote it (little endian, IEEE 754). */
#include <stdlib.h>
#include <string.h>
#include "services/trainer/forecasting/forecaster_tables.h"

static const char MAGIC[8] = "RCFCST1";

typedef struct Header {
    char magic[8];
    uint64_t tables_bytes, booster_bytes;
} Header;

bool forecaster_save(const Forecaster *forecaster, void **ret_data, size_t *ret_length_bytes, Error *err)
{
    void *booster = NULL;
    size_t booster_bytes = 0;
    if (forecaster->booster && !booster_save(forecaster->booster, &booster, &booster_bytes, err))
        return false;
    Header header = {.tables_bytes = sizeof forecaster->tables, .booster_bytes = booster_bytes};
    memcpy(header.magic, MAGIC, sizeof header.magic);
    ForecasterTables *tables = forecaster_allocate(1, sizeof *tables);
    memcpy(tables, &forecaster->tables, sizeof *tables);
    for (size_t i = 0; i < SCORES; i++)
        tables->scores[i].model = NULL;
    size_t length = sizeof header + sizeof *tables + booster_bytes;
    char *data = forecaster_allocate(length, 1);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, tables, sizeof *tables);
    if (booster_bytes)
        memcpy(data + sizeof header + sizeof *tables, booster, booster_bytes);
    free(tables);
    free(booster);
    *ret_data = data;
    *ret_length_bytes = length;
    return true;
}

static bool tables_are_sound(const ForecasterTables *tables)
{
    bool sound = tables->champion < BLENDS && tables->score_count <= SCORES;
    for (int volume = 0; volume < VOLUME_CLASSES; volume++)
        sound = sound && tables->choices[volume].mean < BLENDS && tables->choices[volume].quantiles < BLENDS;
    return sound;
}

bool forecaster_load(const void *data, size_t length_bytes, Forecaster **ret_forecaster, Error *err)
{
    Header header;
    if (length_bytes < sizeof header)
        return error_set(err, ERROR_MALFORMED, "This is no saved forecaster: %zu bytes.", length_bytes);
    memcpy(&header, data, sizeof header);
    size_t before = sizeof header + sizeof(ForecasterTables);
    if (memcmp(header.magic, MAGIC, sizeof header.magic) != 0 || header.tables_bytes != sizeof(ForecasterTables) ||
        length_bytes < before || header.booster_bytes != length_bytes - before)
        return error_set(err, ERROR_MALFORMED, "This forecaster was saved by another version: train a new one.");
    Forecaster *forecaster = forecaster_allocate(1, sizeof *forecaster);
    memcpy(&forecaster->tables, (const char *)data + sizeof header, sizeof forecaster->tables);
    if (!tables_are_sound(&forecaster->tables)) {
        forecaster_free(forecaster);
        return error_set(err, ERROR_MALFORMED, "This saved forecaster is damaged: train a new one.");
    }
    for (size_t i = 0; i < SCORES; i++)
        forecaster->tables.scores[i].model = i == CHAMPION ? "champion" : blend_name((Blend)i);
    if (header.booster_bytes &&
        !booster_load((const char *)data + before, header.booster_bytes, &forecaster->booster, err)) {
        forecaster_free(forecaster);
        return false;
    }
    *ret_forecaster = forecaster;
    return true;
}
