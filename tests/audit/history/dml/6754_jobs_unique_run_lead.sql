DELETE FROM outbound_call_jobs a
 USING outbound_call_jobs b
 WHERE a.id > b.id AND a.run_id = b.run_id AND a.lead_id = b.lead_id;

DO $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'unique_run_lead') THEN
		ALTER TABLE outbound_call_jobs ADD CONSTRAINT unique_run_lead UNIQUE (run_id, lead_id);
	END IF;
END
$$;
