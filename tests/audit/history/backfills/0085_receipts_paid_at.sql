-- paid_at stays NULL for old receipts; a backfill may update receipts later, if anybody asks for it
ALTER TABLE receipts ADD COLUMN paid_at timestamp;
