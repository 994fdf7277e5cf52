-- Waits for the transactions that hold the tombstones (hold_tombstones) and keeps others waiting, until this one ends.
-- No parameters.
SELECT pg_advisory_xact_lock(hashtextextended('personal.tombstone', 0))
