-- $1 sku, $2 name, $3 vertical, $4 unit price in cents, $5 when. Uses the primary key of product.
INSERT INTO product (sku, name, vertical, unit_price, updated_at)
VALUES ($1, $2, $3, $4::numeric / 100, $5)
ON CONFLICT (sku) DO NOTHING
