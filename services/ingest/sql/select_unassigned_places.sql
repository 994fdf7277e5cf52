-- Places of orders and branches that version $1 has no geo for yet. Index: zone_place_pkey.
SELECT lat, lon
FROM (SELECT lat, lon FROM core.order_event WHERE lat IS NOT NULL
      UNION
      SELECT lat, lon FROM core.branch_location) place
WHERE NOT EXISTS (SELECT FROM core.zone_place z WHERE z.lat = place.lat AND z.lon = place.lon AND z.version = $1)
