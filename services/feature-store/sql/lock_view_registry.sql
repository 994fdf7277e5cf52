-- Declarations are applied by one process after another.
SELECT pg_advisory_xact_lock(hashtextextended('features.view', 0))
