#include "services/feature-store/registry/feature_entity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool append(char *out, size_t *length, const char *text, size_t text_length)
{
    if (text_length > FEATURE_ENTITY_MAX - *length)
        return false;
    memcpy(out + *length, text, text_length);
    *length += text_length;
    return true;
}

bool feature_entity_format(const FeatureView *view, const FeatureValue *keys, char out[FEATURE_ENTITY_MAX + 1],
                           Error *err)
{
    size_t length = 0;
    for (size_t i = 0; i < view->keys_count; i++) {
        const FeatureKey *key = &view->keys[i];
        char number[24];
        const char *text = number;
        if (keys[i].null)
            return error_set_at(err, ERROR_UNPROCESSABLE, key->join_key, "the join key %s is null", key->join_key);
        if (key->type == FEATURE_TEXT)
            text = keys[i].text;
        else
            snprintf(number, sizeof(number), "%" PRId64, keys[i].integer);
        if (strchr(text, FEATURE_ENTITY_SEPARATOR) != NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, key->join_key,
                                "the join key %s holds the control character 0x1f", key->join_key);
        if ((i > 0 && !append(out, &length, (const char[]){FEATURE_ENTITY_SEPARATOR}, 1)) ||
            !append(out, &length, text, strlen(text)))
            return error_set_at(err, ERROR_UNPROCESSABLE, key->join_key,
                                "the join keys of %s are longer than %d bytes together", view->name,
                                FEATURE_ENTITY_MAX);
    }
    out[length] = '\0';
    return true;
}

static bool read_key(const FeatureKey *key, char *text, FeatureValue *ret_value)
{
    *ret_value = (FeatureValue){.text = text};
    if (key->type == FEATURE_TEXT)
        return true;
    char *end = NULL;
    errno = 0;
    int64_t integer = strtoll(text, &end, 10);
    *ret_value = (FeatureValue){.integer = integer};
    return errno == 0 && end != text && *end == '\0';
}

bool feature_entity_split(const FeatureView *view, const char *entity, Arena *arena, FeatureValue *ret_keys, Error *err)
{
    char *rest = arena_strdup(arena, entity);
    for (size_t i = 0; i < view->keys_count; i++) {
        char *next = strchr(rest, FEATURE_ENTITY_SEPARATOR);
        bool last = i + 1 == view->keys_count;
        if ((next == NULL) != last)
            return error_set(err, ERROR_MALFORMED, "an entity of %s does not have %zu keys", view->name,
                             view->keys_count);
        if (next != NULL)
            *next = '\0';
        if (!read_key(&view->keys[i], rest, &ret_keys[i]))
            return error_set(err, ERROR_MALFORMED, "\"%.40s\" is no %s of %s", rest, view->keys[i].join_key,
                             view->name);
        rest = next == NULL ? rest : next + 1;
    }
    return true;
}
