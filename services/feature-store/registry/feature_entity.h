/* The canonical text of an entity: the values of a view's join keys in declared order, integers in decimal, joined by
 * FEATURE_ENTITY_SEPARATOR. It is the entity in keys of the online store and in features.entity. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

#define FEATURE_ENTITY_SEPARATOR '\x1f'

/* Writes the text of the keys' values (one per key of the view, in order) and ends it with NUL. UNPROCESSABLE for a
 * null, a text with a control character that would make it ambiguous, and more than FEATURE_ENTITY_MAX bytes. */
bool feature_entity_format(const FeatureView *view, const FeatureValue *keys, char out[FEATURE_ENTITY_MAX + 1],
                           Error *err) MUST_CHECK;
/* Takes it apart into one value per key; texts are in the arena. MALFORMED when it is not one of this view. */
bool feature_entity_split(const FeatureView *view, const char *entity, Arena *arena, FeatureValue *ret_keys,
                          Error *err) MUST_CHECK;
