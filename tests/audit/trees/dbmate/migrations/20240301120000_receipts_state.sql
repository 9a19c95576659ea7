-- migrate:up
ALTER TABLE receipts ADD COLUMN state text;
UPDATE receipts SET state = 'open' WHERE state IS NULL;
ALTER TABLE receipts ALTER COLUMN state SET NOT NULL;

-- migrate:down
ALTER TABLE receipts DROP COLUMN state;
