-- Absolute counts of the staged page. A vertical the page does not tell of keeps its count.
-- Uses the primary key of features.demand and geo's unique index on geo.
INSERT INTO features.demand AS known (geo_id, hour, other, restaurant, goods)
SELECT
    geo.geo_id, page.hour,
    max(page.orders) FILTER (WHERE page.vertical IS NULL),
    max(page.orders) FILTER (WHERE page.vertical = 'restaurant'),
    max(page.orders) FILTER (WHERE page.vertical = 'goods')
FROM features.demand_page AS page
JOIN features.geo AS geo ON geo.geo = page.geo
GROUP BY geo.geo_id, page.hour
ORDER BY geo.geo_id, page.hour
ON CONFLICT (geo_id, hour) DO UPDATE SET
    other = coalesce(excluded.other, known.other),
    restaurant = coalesce(excluded.restaurant, known.restaurant),
    goods = coalesce(excluded.goods, known.goods)
