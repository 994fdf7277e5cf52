-- $1: table, $2: columns as an array literal, $3: their types likewise.
SELECT features.ensure_view_table($1, $2::text[], $3::text[])
