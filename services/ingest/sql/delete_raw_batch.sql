-- Of the open transaction, which has nothing to record. $1 batch. Index: batch_pkey.
DELETE FROM raw.batch WHERE batch_id = $1
