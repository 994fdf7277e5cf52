-- Rows of an entity that are set aside. $1 entity.
SELECT coalesce(sum(open_rows), 0)::bigint FROM quality.quarantine_counts() WHERE entity = $1
