-- Receipts and the runs that brought them
ALTER TABLE receipts ADD COLUMN source varchar(20) NOT NULL DEFAULT 'manual';
UPDATE receipts SET source = 'sync' WHERE source = 'manual' AND external_id <> '';
ALTER TABLE receipt_sync_runs ADD COLUMN provider_name text;
UPDATE receipt_sync_runs SET provider_name = initcap(provider);
