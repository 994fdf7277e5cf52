-- Of the partition that catches days without one. $1 before, $2 most rows. Whole days only.
DELETE FROM raw.batch_payload_default
WHERE ctid = ANY (ARRAY(SELECT ctid FROM raw.batch_payload_default
                        WHERE (received_on + 1)::timestamp AT TIME ZONE 'UTC' <= $1 LIMIT $2))
