-- $1 start of the day, $2 source, $3 subject, $4 count in the source, $5 in the repository (text; null: not to be had),
-- $6 difference that is explained (text), $7 detail. Index: reconciliation_pkey.
SELECT quality.record_reconciliation(($1 AT TIME ZONE 'UTC')::date, $2, $3, $4::text::numeric, $5::text::numeric,
                                     $4::text::numeric - $5::text::numeric, $6::text::numeric, $7)
