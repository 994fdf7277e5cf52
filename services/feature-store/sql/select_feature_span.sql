-- First and last hour that may have features; null when there are none.
SELECT min(first_hour), max(computed_through) FROM features.geo
