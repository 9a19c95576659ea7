ALTER TABLE receipts ADD COLUMN net_amount numeric(12,2);
UPDATE receipts SET net_amount = round(amount / 1.2, 2) WHERE net_amount IS NULL;
