-- The keys of the tombstones. No parameters.
SELECT hmac_key, lookup_key FROM personal.salt
