-- Under lock_tombstones.
-- $1 HMAC, $2 look-up hash, $3 length of the id in bytes. Index: tombstone_customer_hmac_key.
INSERT INTO personal.tombstone (customer_hmac, lookup_hash, id_bytes)
VALUES ($1, $2, $3::int)
ON CONFLICT (customer_hmac) DO NOTHING
