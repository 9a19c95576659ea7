UPDATE background_jobs SET status = 'pending', locked_at = NULL, attempts = 0 WHERE status = 'running';
