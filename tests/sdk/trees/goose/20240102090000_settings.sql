-- +goose Up
INSERT INTO crm.settings (key, value) VALUES
    ('limits', '{"calls": 10}'),
    ('greeting', '"it''s us"')
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
-- +goose Down
DELETE FROM crm.settings;
