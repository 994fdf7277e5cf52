-- Held to the end of the transaction by whoever takes a number of forecast.revision: numbers become visible in order.
SELECT pg_advisory_xact_lock(hashtextextended('forecast.revision', 0))::text
