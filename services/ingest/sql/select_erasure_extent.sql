-- How much there is to look through. No parameters. Indexes: dead_letter_pkey, batch_pkey.
SELECT coalesce((SELECT max(dead_letter_id) FROM raw.dead_letter), 0),
       coalesce((SELECT max(batch_id) FROM raw.batch), 0)
