-- $1 kind, $2 parameters as JSON.
INSERT INTO raw.job (kind, parameters) VALUES ($1, $2::jsonb) RETURNING job_id
