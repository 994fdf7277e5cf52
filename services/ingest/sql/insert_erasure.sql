-- $1 job, $2 HMAC, $3 customer.
INSERT INTO personal.erasure (job_id, customer_hmac, customer_id) VALUES ($1, $2, $3)
