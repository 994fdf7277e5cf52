-- $1: offline table, $2: first event timestamp, $3: the one it must be before. The months of that span that the table
-- has partitions of (their names end in _YYYY_MM), as their first instants.
SELECT month
FROM (
    SELECT make_timestamptz(left(right(partition.relname, 7), 4)::integer, right(partition.relname, 2)::integer,
                            1, 0, 0, 0, 'UTC') AS month
    FROM pg_inherits AS attached
    JOIN pg_class AS partition ON partition.oid = attached.inhrelid
    WHERE attached.inhparent = to_regclass('features.' || $1::text)
) AS months
WHERE month + interval '1 month' > $2 AND month < $3
ORDER BY month
