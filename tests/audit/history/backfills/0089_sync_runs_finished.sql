UPDATE receipt_sync_runs SET status = 'failed', finished_at = started_at WHERE finished_at IS NULL AND started_at < now() - interval '1 day';
