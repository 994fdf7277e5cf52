-- The newest tombstone; none is added until the transaction ends. No parameters. Index: tombstone_pkey.
SELECT personal.hold_tombstones()
