-- Runs on the company's database. $1 publication: its tables; one row without a table when it has none. No row: there
-- is no such publication. Index: pg_publication_pubname_index.
SELECT t.schemaname::text, t.tablename::text
FROM pg_publication p LEFT JOIN pg_publication_tables t ON t.pubname = p.pubname
WHERE p.pubname = $1
