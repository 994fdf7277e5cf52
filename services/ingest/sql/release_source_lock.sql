-- $1 source. See try_source_lock.
SELECT pg_advisory_unlock(hashtextextended('rushcast.ingest.source.' || $1, 0))
