-- A page of rows set aside, the oldest first, as JSON. $1 after this id, $2 how many, $3 entity (null: all), $4 resolved
-- ones (null: both). Index: quarantine_pkey.
SELECT quarantine_id, content::text FROM quality.quarantine_page($1, $2, $3, $4) ORDER BY quarantine_id
