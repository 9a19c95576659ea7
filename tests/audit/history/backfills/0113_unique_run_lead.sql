UPDATE outbound_call_jobs SET status = 'pending' WHERE status = 'queued';
DELETE FROM outbound_call_jobs j
 WHERE EXISTS (SELECT 1 FROM outbound_call_jobs o WHERE o.run_id = j.run_id AND o.lead_id = j.lead_id AND o.id < j.id);
ALTER TABLE outbound_call_jobs ADD CONSTRAINT unique_run_lead UNIQUE (run_id, lead_id);
