UPDATE orders SET state = 'new' WHERE state NOT IN ('new', 'paid', 'void');
ALTER TABLE orders ADD CONSTRAINT orders_state_check CHECK (state IN ('new', 'paid', 'void'));
ALTER TYPE priority ADD VALUE IF NOT EXISTS 'urgent';
