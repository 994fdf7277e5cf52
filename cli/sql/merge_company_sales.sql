-- Moves the staged sales into the table; one that is there stays. Uses the primary key of sale.
WITH staged AS (DELETE FROM sale_staging RETURNING *)
INSERT INTO sale (order_id, customer_id, branch_id, amount, currency, sold_at, updated_at)
SELECT order_id, customer_id, branch_id, cents::numeric / 100, currency, sold_at, sold_at
FROM staged
ON CONFLICT (order_id) DO NOTHING
