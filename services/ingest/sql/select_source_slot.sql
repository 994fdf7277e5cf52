-- Runs on the company's database. $1 slot: how it is; one row, with nulls where there is no such slot or no limit.
SELECT s.slot_name::text, s.plugin = 'pgoutput' AND s.database = current_database() AS is_ours, s.active,
       s.confirmed_flush_lsn::text, s.wal_status, s.safe_wal_size,
       pg_wal_lsn_diff(w.now, s.restart_lsn)::bigint AS retained_bytes, w.now::text AS log_end,
       nullif(pg_size_bytes(current_setting('max_slot_wal_keep_size')), -1) AS keep_bytes
FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) w (now)
LEFT JOIN pg_replication_slots s ON s.slot_name = $1
