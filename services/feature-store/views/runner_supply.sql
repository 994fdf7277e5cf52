-- $1: now. Runners of each geo by their shifts; hours_since: since the start of the shift, local, modulo a week.
WITH shift AS (
    SELECT r.home_geo, r.runner_id, r.rating, s.hours,
        mod((extract(isodow FROM $1::timestamptz AT TIME ZONE g.timezone)::integer - 1 - s.weekday + 7) * 24
            + extract(hour FROM $1::timestamptz AT TIME ZONE g.timezone)::integer - s.from_hour + 168, 168)
            AS hours_since
    FROM warehouse.runner AS r
    JOIN warehouse.geo AS g ON g.geo = r.home_geo
    LEFT JOIN warehouse.runner_shift AS s USING (runner_id)
)
SELECT home_geo AS geo,
    $1::timestamptz AS event_timestamp,
    count(DISTINCT runner_id) AS runners,
    count(DISTINCT runner_id) FILTER (WHERE hours_since < hours) AS on_shift,
    count(DISTINCT runner_id) FILTER (WHERE mod(hours_since + 1, 168) < hours) AS on_shift_in_1h,
    count(DISTINCT runner_id) FILTER (WHERE mod(hours_since + 3, 168) < hours) AS on_shift_in_3h,
    avg(rating) FILTER (WHERE hours_since < hours)::float8 AS rating
FROM shift
GROUP BY home_geo
