-- $1 after this number, $2 up to this one. Index: tombstone_pkey.
SELECT customer_hmac, lookup_hash, id_bytes::bigint
FROM personal.tombstone
WHERE tombstone_no > $1 AND tombstone_no <= $2
ORDER BY tombstone_no
