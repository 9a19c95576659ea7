ALTER TABLE receipt_sync_runs ADD COLUMN receipts_seen integer;
UPDATE receipt_sync_runs SET receipts_seen = 0 WHERE receipts_seen IS NULL;
