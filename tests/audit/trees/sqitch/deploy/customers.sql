-- Deploy shop:customers to pg

BEGIN;
ALTER TABLE app.customers ADD COLUMN phone text;
COMMIT;
