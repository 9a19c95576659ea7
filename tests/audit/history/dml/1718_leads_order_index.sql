-- A place for each lead on the board; 0 means that it has none yet.
ALTER TABLE leads ADD COLUMN IF NOT EXISTS order_index integer NOT NULL DEFAULT 0;

UPDATE leads SET order_index = id WHERE order_index = 0;

CREATE INDEX IF NOT EXISTS ix_leads_board ON leads (business_id, status, order_index);
