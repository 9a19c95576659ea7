-- Deploy shop:customers to pg

BEGIN;
\set ON_ERROR_STOP on
CREATE TABLE app.customers (id bigint PRIMARY KEY, name text);
COMMIT;
