-- Whether files are kept that were sent before the erasure was asked for. $1 its job. Index: backfill_chunk_pkey.
SELECT personal.has_backfills_before($1)
