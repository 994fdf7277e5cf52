-- Runs on the company's database. $1 slot.
SELECT pg_drop_replication_slot($1)
