-- $1 kind, $2 city, $3 description, $4 start, $5 end. Uses the unique key (kind, city, starts_at).
INSERT INTO business_event (kind, city, description, starts_at, ends_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $4)
ON CONFLICT (kind, city, starts_at) DO NOTHING
