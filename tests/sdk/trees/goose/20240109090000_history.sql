-- +goose Up
CREATE TABLE crm.history (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE crm.history_2024 PARTITION OF crm.history FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE crm.history_rest PARTITION OF crm.history DEFAULT;
INSERT INTO crm.history (at, what) VALUES (DATE '2024-05-01', 'opened');
COMMENT ON FUNCTION crm.full_name(text, text) IS 'first and last';
-- +goose Down
DROP TABLE crm.history;
