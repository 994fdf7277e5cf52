-- Partitions of raw.batch_payload whose days ended before $1. Index: pg_inherits_parent_index.
SELECT c.relname::text
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'raw.batch_payload'::regclass AND c.relname ~ '^batch_payload_[0-9]{8}$'
  AND (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= $1
ORDER BY c.relname
