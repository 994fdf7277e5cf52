-- No row: it was dropped. $1 batch, $2 day of receipt. Index: batch_payload_pkey.
SELECT payload FROM raw.batch_payload WHERE batch_id = $1 AND received_on = $2::text::date FOR UPDATE
