#include "services/feature-store/on_demand/on_demand.h"

#include <assert.h>
#include <string.h>
#include "services/feature-store/on_demand/geo_calendar.h"

#define GEO_CALENDAR_VIEW "geo_calendar"

typedef struct CalendarFeature {
    const char *name;
    FeatureType type;
    FeatureValue (*value)(const GeoCalendar *calendar);
} CalendarFeature;

static FeatureValue local_hour(const GeoCalendar *calendar)
{
    return (FeatureValue){.integer = calendar->local_hour};
}

static FeatureValue weekday(const GeoCalendar *calendar)
{
    return (FeatureValue){.integer = calendar->weekday};
}

static FeatureValue is_weekend(const GeoCalendar *calendar)
{
    return (FeatureValue){.boolean = calendar->is_weekend};
}

static FeatureValue is_holiday(const GeoCalendar *calendar)
{
    return (FeatureValue){.boolean = calendar->holiday != NULL};
}

static FeatureValue holiday(const GeoCalendar *calendar)
{
    return (FeatureValue){.null = calendar->holiday == NULL, .text = calendar->holiday};
}

static FeatureValue days_to_holiday(const GeoCalendar *calendar)
{
    return (FeatureValue){.null = calendar->days_to_holiday < 0, .integer = calendar->days_to_holiday};
}

static FeatureValue utc_offset_s(const GeoCalendar *calendar)
{
    return (FeatureValue){.integer = calendar->utc_offset_s};
}

static const CalendarFeature calendar_features[] = {
    {"local_hour", FEATURE_INT64, local_hour},
    {"weekday", FEATURE_INT64, weekday},
    {"is_weekend", FEATURE_BOOL, is_weekend},
    {"is_holiday", FEATURE_BOOL, is_holiday},
    {"holiday", FEATURE_TEXT, holiday},
    {"days_to_holiday", FEATURE_INT64, days_to_holiday},
    {"utc_offset_s", FEATURE_INT64, utc_offset_s},
};

static const CalendarFeature *find_feature(const Feature *feature)
{
    for (size_t i = 0; i < sizeof(calendar_features) / sizeof(calendar_features[0]); i++) {
        if (strcmp(calendar_features[i].name, feature->name) == 0 && calendar_features[i].type == feature->type)
            return &calendar_features[i];
    }
    return NULL;
}

bool on_demand_check(const FeatureView *view, Error *err)
{
    if (strcmp(view->name, GEO_CALENDAR_VIEW) != 0)
        return error_set(err, ERROR_UNPROCESSABLE, "feature view %s: only %s can be computed on demand", view->name,
                         GEO_CALENDAR_VIEW);
    for (size_t i = 0; i < view->features_count; i++) {
        if (find_feature(&view->features[i]) == NULL)
            return error_set(err, ERROR_UNPROCESSABLE, "feature view %s: %s of type %s can't be computed on demand",
                             view->name, view->features[i].name, feature_type_name(view->features[i].type));
    }
    return true;
}

bool on_demand_compute(const FeatureView *view, GeoPlaces *places, const char *entity, Instant at, FeatureRow *row)
{
    GeoPlace place;
    if (!geo_places_find(places, entity, &place))
        return false;
    GeoCalendar calendar = geo_calendar_at(place.zone, place.country, at);
    for (size_t i = 0; i < view->features_count; i++) {
        const CalendarFeature *feature = find_feature(&view->features[i]);
        if (feature != NULL)
            row->values[i] = feature->value(&calendar);
    }
    row->event_timestamp = row->created = at;
    return true;
}
