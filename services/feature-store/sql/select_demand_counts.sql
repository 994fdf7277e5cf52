-- $1: geo_id, $2: first hour, $3: last hour. Uses the primary key of features.demand.
SELECT hour, coalesce(other, 0), coalesce(restaurant, 0), coalesce(goods, 0)
FROM features.demand
WHERE geo_id = $1 AND hour BETWEEN $2 AND $3
ORDER BY hour
