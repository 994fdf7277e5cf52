-- $1 source: whether this session may read it; kept until it ends or release_source_lock.
SELECT pg_try_advisory_lock(hashtextextended('rushcast.ingest.source.' || $1, 0))
