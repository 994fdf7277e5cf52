-- Transactions of this database that began before $1 (null: now), and that time. No index.
SELECT count(a.pid), since.at
FROM (SELECT coalesce($1, clock_timestamp()) AS at) since
LEFT JOIN pg_stat_activity a
    ON a.datname = current_database() AND a.backend_type = 'client backend' AND a.xact_start < since.at
       AND a.pid <> pg_backend_pid()
GROUP BY since.at
