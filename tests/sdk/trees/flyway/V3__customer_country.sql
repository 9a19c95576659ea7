BEGIN;
SET lock_timeout = '5s';
SET LOCAL statement_timeout = 0;
ALTER TABLE customers ADD COLUMN country char(2);
UPDATE customers SET country = 'DE' WHERE country IS NULL;
ALTER TABLE customers ALTER COLUMN country SET NOT NULL;
ALTER TABLE customers ADD CONSTRAINT customers_country_fkey FOREIGN KEY (country) REFERENCES countries (code) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT customers_country_fkey;
COMMIT;
