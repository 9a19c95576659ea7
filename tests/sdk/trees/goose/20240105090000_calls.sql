-- +goose Up
CREATE TYPE crm.outcome AS ENUM ('answered', 'missed');
CREATE DOMAIN crm.seconds AS integer CHECK (VALUE >= 0);
CREATE TABLE crm.calls (
    lead_id uuid NOT NULL REFERENCES crm.leads (id),
    number integer NOT NULL,
    outcome crm.outcome,
    length crm.seconds,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lead_id, number)
);
CREATE INDEX calls_at ON crm.calls (at);
-- +goose Down
DROP TABLE crm.calls;
