-- $1 first batch, $2 last batch, $3 customer. Index: order_event_batch.
UPDATE core.order_event SET customer_id = NULL WHERE batch_id BETWEEN $1 AND $2 AND customer_id = $3
