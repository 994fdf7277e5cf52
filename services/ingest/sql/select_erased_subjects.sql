-- Which of these customers were erased, after hold_tombstones: their indexes. $1: ids, a JSON array of texts. Index:
-- tombstone_customer_hmac_key.
SELECT ordinality - 1 FROM jsonb_array_elements_text($1::jsonb) WITH ORDINALITY AS subject (id, ordinality)
WHERE id IS NOT NULL AND personal.is_erased(id)
