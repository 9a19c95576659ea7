-- +goose Up
CREATE SCHEMA IF NOT EXISTS crm;
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TABLE crm.leads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    first_name text,
    last_name text,
    phone text,
    score integer NOT NULL DEFAULT 0,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE crm.settings (key text PRIMARY KEY, value jsonb NOT NULL, note text);
-- +goose Down
DROP TABLE crm.leads;
