-- +goose NO TRANSACTION
-- +goose Up
DELETE FROM crm.leads a USING crm.leads b WHERE a.phone = b.phone AND a.id > b.id;
CREATE UNIQUE INDEX CONCURRENTLY uq_leads_phone ON crm.leads (phone);
ALTER TABLE crm.leads ADD CONSTRAINT leads_phone_key UNIQUE USING INDEX uq_leads_phone;
-- +goose Down
DROP INDEX crm.uq_leads_phone;
