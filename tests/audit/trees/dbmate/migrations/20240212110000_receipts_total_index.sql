-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY receipts_total_idx ON receipts (total);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY receipts_total_idx;
