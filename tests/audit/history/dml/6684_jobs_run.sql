DELETE FROM outbound_call_jobs j
 WHERE NOT EXISTS (SELECT 1 FROM outbound_call_runs r WHERE r.id = j.run_id);

ALTER TABLE outbound_call_jobs
	ADD CONSTRAINT outbound_call_jobs_run_id_fkey FOREIGN KEY (run_id) REFERENCES outbound_call_runs (id) ON DELETE CASCADE;
