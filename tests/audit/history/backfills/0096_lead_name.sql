ALTER TABLE leads ADD COLUMN name varchar(255);
UPDATE leads SET name = concat_ws(' ', first_name, last_name) WHERE name IS NULL;
