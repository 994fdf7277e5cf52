#include "services/feature-store/registry/feature_reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "name" or "name@v2": where the name ends, and the version (0: the newest). */
static bool split_version(const char *text, size_t length, size_t *ret_name_length, int64_t *ret_version)
{
    const char *at = memchr(text, '@', length);
    *ret_name_length = length;
    *ret_version = 0;
    if (at == NULL)
        return true;
    char *end = NULL;
    errno = 0;
    *ret_version = at[1] == 'v' && at[2] >= '0' && at[2] <= '9' ? strtoll(at + 2, &end, 10) : 0;
    *ret_name_length = (size_t)(at - text);
    return end == text + length && errno == 0 && *ret_version >= 1;
}

const FeatureView *feature_reference_view(const FeatureViews *views, const char *text, size_t length)
{
    size_t name_length = 0;
    int64_t version = 0;
    return split_version(text, length, &name_length, &version) ? feature_views_find(views, text, name_length, version)
                                                               : NULL;
}

bool feature_reference_find(const FeatureViews *views, const char *text, const FeatureView **ret_view,
                            size_t *ret_feature, Error *err)
{
    const char *colon = strchr(text, ':');
    size_t name_length = 0;
    int64_t version = 0;
    if (colon == NULL || colon == text || colon[1] == '\0')
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "Invalid feature reference '%.100s': it must be <feature_view>:<feature> or "
                            "<feature_view>@v<version>:<feature>",
                            text);
    if (!split_version(text, (size_t)(colon - text), &name_length, &version))
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "Invalid version in the feature reference '%.100s': it must be @v1, @v2, ...", text);
    const FeatureView *view = feature_views_find(views, text, name_length, version);
    if (view == NULL)
        return error_set_at(err, ERROR_NOT_FOUND, "features", "Feature view %.*s does not exist",
                            (int)(colon - text < 100 ? colon - text : 100), text);
    int feature = feature_view_index(view, colon + 1);
    if (feature < 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features", "Feature %.100s not found in feature view %s",
                            colon + 1, view->name);
    *ret_view = view;
    *ret_feature = (size_t)feature;
    return true;
}
