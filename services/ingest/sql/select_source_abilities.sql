-- Runs on the company's database. No parameters. What it allows us to do; changes can't be decoded on a standby.
SELECT current_setting('wal_level') = 'logical' AS decodes,
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_replicate,
       pg_is_in_recovery() AS is_standby, current_user::text, current_database()::text
