-- Kept payloads in the order of their batches, and whether the customer may be in them: its hash is in the index, it was
-- found there, or there were faulty messages whose dead letters are gone.
-- $1 after this batch, $2 the customer's hash, $3 job, $4 how many. Indexes: batch_payload_pkey, batch_pkey,
-- erasure_batch_pkey, dead_letter_batch.
SELECT p.batch_id, p.received_on::text,
       $2 = ANY (p.customers) OR
       EXISTS (SELECT FROM personal.erasure_batch e WHERE e.job_id = $3 AND e.batch_id = p.batch_id) OR
       EXISTS (SELECT FROM raw.batch b WHERE b.batch_id = p.batch_id AND b.dead_letters >
               (SELECT count(*) FROM raw.dead_letter d WHERE d.batch_id = p.batch_id))
FROM raw.batch_payload p
WHERE p.batch_id > $1
ORDER BY p.batch_id
LIMIT $4
