-- A row: the customer has one. $1 HMAC. Index: tombstone_customer_hmac_key.
SELECT tombstone_no FROM personal.tombstone WHERE customer_hmac = $1
