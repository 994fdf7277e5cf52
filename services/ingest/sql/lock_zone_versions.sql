-- Whoever adds a version next waits here until the end of the transaction. No parameters.
SELECT pg_advisory_xact_lock(hashtextextended('rushcast.ingest.zones', 0))
