-- +goose Up
UPDATE crm.calls SET outcome = 'missed' WHERE outcome IS NULL AND length = 0;
ALTER TABLE crm.calls ADD CONSTRAINT calls_outcome CHECK (outcome IS NOT NULL OR length > 0) NOT VALID;
-- +goose Down
SELECT 1;
