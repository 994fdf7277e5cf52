-- Moves the staged rows whose key is new, first come first served, and says which. No parameters.
-- Index: order_event_pkey.
INSERT INTO core.order_event
SELECT * FROM order_event_staging ORDER BY message_no
ON CONFLICT (order_id, event_type) DO NOTHING
RETURNING message_no
