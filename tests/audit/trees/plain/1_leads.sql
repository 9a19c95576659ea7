-- Leads, at first.
CREATE TABLE leads (id int);
ALTER TABLE leads ADD COLUMN name text;
