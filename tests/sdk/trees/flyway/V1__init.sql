-- The shop's first tables.
CREATE TABLE customers (
    id bigserial PRIMARY KEY,
    email varchar(255) NOT NULL UNIQUE,
    full_name text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    number text NOT NULL,
    total numeric(12, 2) NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'new',
    placed_at timestamptz
);
CREATE INDEX idx_orders_customer ON orders (customer_id);
COMMENT ON TABLE customers IS 'Who buys; one row an account';
COMMENT ON COLUMN orders.total IS 'With tax, in the shop''s currency';
