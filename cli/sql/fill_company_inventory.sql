-- Twenty goods in each shop; $1 ids of the shops separated by "|", $2 when. Uses the primary key of inventory.
INSERT INTO inventory (branch_id, sku, quantity, updated_at)
SELECT branch_id, sku, 20 + abs(hashtext(branch_id || sku)) % 200, $2
FROM unnest(string_to_array($1, '|')) AS branch_id
CROSS JOIN LATERAL (
    SELECT sku FROM product WHERE vertical = 'goods' ORDER BY hashtext(branch_id || sku) LIMIT 20
) AS stocked
ON CONFLICT (branch_id, sku) DO NOTHING
