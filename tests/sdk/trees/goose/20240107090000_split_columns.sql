-- +goose Up
ALTER TABLE crm.leads DROP COLUMN first_name, DROP COLUMN last_name;
-- +goose Down
ALTER TABLE crm.leads ADD COLUMN first_name text, ADD COLUMN last_name text;
