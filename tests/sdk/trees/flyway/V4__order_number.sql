-- duplicates of an import of 2019
DELETE FROM orders WHERE number = '';
CREATE UNIQUE INDEX CONCURRENTLY uq_orders_number ON orders (number) WHERE state <> 'void';
