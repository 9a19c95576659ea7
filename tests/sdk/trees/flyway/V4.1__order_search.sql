CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_orders_placed ON orders USING btree (placed_at DESC NULLS LAST) INCLUDE (total);
CREATE INDEX CONCURRENTLY idx_customers_lower ON customers (lower(email));
