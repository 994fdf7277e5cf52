-- $1 job. Index: erasure_pkey.
SELECT customer_id FROM personal.erasure WHERE job_id = $1
