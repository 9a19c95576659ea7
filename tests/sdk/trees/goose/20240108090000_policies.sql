-- +goose Up
ALTER TABLE crm.leads ENABLE ROW LEVEL SECURITY;
CREATE POLICY leads_all ON crm.leads USING (true);
CREATE INDEX idx_leads_data ON crm.leads USING gin (data jsonb_path_ops);
CREATE INDEX idx_leads_score ON crm.leads (score) WITH (fillfactor = 80) WHERE score > 0;
DROP INDEX crm.calls_at;
-- +goose Down
DROP POLICY leads_all ON crm.leads;
