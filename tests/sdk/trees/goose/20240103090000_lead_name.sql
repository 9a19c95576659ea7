-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION crm.full_name(first text, last text) RETURNS text AS $$
BEGIN
    RETURN trim(concat_ws(' ', first, last));
END;
$$ LANGUAGE plpgsql IMMUTABLE;
-- +goose StatementEnd
ALTER TABLE crm.leads ADD COLUMN name text;
UPDATE crm.leads AS l SET name = trim(concat_ws(' ', l.first_name, l.last_name)) WHERE l.name IS NULL;
ALTER TABLE crm.leads ALTER COLUMN name SET DEFAULT '';
ALTER TABLE crm.leads ALTER COLUMN name SET NOT NULL;
-- +goose Down
ALTER TABLE crm.leads DROP COLUMN name;
