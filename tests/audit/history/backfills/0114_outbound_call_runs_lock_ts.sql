ALTER TABLE outbound_call_runs ADD COLUMN lock_ts timestamptz;
UPDATE outbound_call_runs SET lock_ts = started_at WHERE status = 'running';
