-- Backfill from messages and calls into leads
ALTER TABLE leads ADD COLUMN last_activity_at timestamptz;
UPDATE leads l SET last_activity_at = (SELECT max(m.created_at) FROM messages m WHERE m.lead_id = l.id);
ALTER TABLE appointments ADD COLUMN cancelled_reason text;
UPDATE appointments SET cancelled_reason = 'unknown' WHERE status = 'cancelled' AND cancelled_reason IS NULL;
