-- The data dictionary: schemas with their tables and views, from the comments. Partitions count with what they are part
-- of. $1 only this schema, $2 only this table (null: all). Index: pg_class_relname_nsp_index.
SELECT coalesce(json_agg(json_build_object('name', s.nspname, 'description', obj_description(s.oid, 'pg_namespace'),
                                           'personal', s.nspname = 'personal', 'tables', t.tables)
                         ORDER BY s.nspname), '[]')::text
FROM pg_namespace s
JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'name', c.relname,
               'kind', CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
               'owner', coalesce(quality.entity_owner(c.relname), pg_get_userbyid(c.relowner)),
               'description', obj_description(c.oid, 'pg_class'),
               'personal', s.nspname = 'personal',
               'rows_estimate', CASE WHEN c.relkind = 'v' THEN NULL ELSE size.rows END,
               'bytes', CASE WHEN c.relkind = 'v' THEN NULL ELSE size.bytes END,
               'newest_recorded_at', CASE WHEN c.relkind IN ('r', 'p')
                                     THEN quality.instant_text(quality.newest_recorded(c.oid::regclass)) END,
               'columns', quality.catalog_columns(c.oid)) ORDER BY c.relname) AS tables
    FROM pg_class c
    CROSS JOIN LATERAL (
        SELECT sum(greatest(member.reltuples, 0))::bigint AS rows, sum(pg_total_relation_size(member.oid))::bigint AS bytes
        FROM pg_class member
        WHERE (c.relkind = 'p' AND member.oid IN (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf))
           OR (c.relkind <> 'p' AND member.oid = c.oid)) size
    WHERE c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
      AND ($2::text IS NULL OR c.relname = $2)
) t ON t.tables IS NOT NULL
WHERE s.nspname IN ('raw', 'core', 'warehouse', 'personal', 'quality') AND ($1::text IS NULL OR s.nspname = $1)
