CREATE VIEW open_orders AS
    SELECT o.id, o.number, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.state = 'new';
CREATE SEQUENCE invoice_numbers START 1000;
CREATE TYPE priority AS ENUM ('low', 'high');
ALTER TABLE orders ADD COLUMN priority priority NOT NULL DEFAULT 'low';
