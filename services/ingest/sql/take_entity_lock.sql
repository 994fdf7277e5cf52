-- One transaction at a time writes the things of a source, or makes their tables. $1 source.
SELECT pg_advisory_xact_lock(hashtextextended('rushcast.ingest.entities', hashtextextended($1, 0)))
