-- Runs on the company's database, in its system catalogs. $1 schema, $2 table: its columns as they can be read, whether
-- each is part of what logical decoding tells old rows by, and whether changes of the table can be decoded at all.
-- Generated columns are left out: logical decoding does not send them. Index: pg_class_relname_nsp_index.
SELECT a.attname::text, a.atttypid::bigint,
       c.relreplident = 'f' OR coalesce(a.attnum = ANY (i.indkey), false) AS is_identity,
       c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AS is_table,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AS is_readable
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_index i ON i.indrelid = c.oid
    AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum
