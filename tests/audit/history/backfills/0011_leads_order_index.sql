ALTER TABLE leads ADD COLUMN order_index integer NOT NULL DEFAULT 0;
UPDATE leads SET order_index = id WHERE order_index = 0;
