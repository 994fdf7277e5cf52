-- Columns of all tables that an entity could have: schema, table, column, type, place in the primary key or 0.
-- No parameters. Index: pg_attribute_relid_attnum_index.
SELECT c.relnamespace::regnamespace::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
       coalesce(array_position(i.indkey::int2[], a.attnum) - array_lower(i.indkey::int2[], 1) + 1, 0)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace IN ('core'::regnamespace, 'personal'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
