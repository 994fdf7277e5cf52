-- Forgets the customer's id, also what jobs that were given up left of it. $1 job. Indexes: erasure_pkey,
-- erasure_customer, erasure_batch_pkey.
WITH forgotten AS (DELETE FROM personal.erasure_batch WHERE job_id = $1)
UPDATE personal.erasure
SET customer_id = NULL
WHERE customer_hmac = (SELECT customer_hmac FROM personal.erasure WHERE job_id = $1)
