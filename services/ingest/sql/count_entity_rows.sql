-- Rows of a table and sums over columns of it, as text. $1 table, $2 columns '{a,b}'.
SELECT subject, total::text FROM quality.count_table($1, $2::text[])
