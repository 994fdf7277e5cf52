-- The job that is erasing the customer; no row: none. $1 HMAC. Index: erasure_customer.
SELECT e.job_id
FROM personal.erasure e JOIN raw.job j USING (job_id)
WHERE e.customer_hmac = $1 AND j.state IN ('queued', 'running')
ORDER BY e.job_id
LIMIT 1
