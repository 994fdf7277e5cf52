-- Held until the end of the transaction: whoever commits next waits here. No parameters.
SELECT pg_advisory_xact_lock(hashtextextended('rushcast.ingest.commit', 0))
