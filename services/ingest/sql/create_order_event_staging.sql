-- Where rows that may be duplicates wait for the key to decide; one for each connection. No parameters.
CREATE TEMPORARY TABLE IF NOT EXISTS order_event_staging (LIKE core.order_event) ON COMMIT DELETE ROWS
