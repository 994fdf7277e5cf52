-- $1 batch, $2 day of receipt, $3 payload, $4 its size before compression, $5 customers '{1,2}'.
-- Index: batch_payload_pkey.
UPDATE raw.batch_payload
SET payload = $3, payload_bytes = $4, customers = $5::text::bigint[]
WHERE batch_id = $1 AND received_on = $2::text::date
