-- Deploy shop:schema/app to pg
-- requires: roles

BEGIN;

CREATE SCHEMA app AUTHORIZATION app;

COMMIT;
