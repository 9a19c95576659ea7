CREATE TYPE mood AS ENUM ('a'); CREATE SCHEMA crm; CREATE TYPE crm.mood AS ENUM ('b'); CREATE DOMAIN d AS text; CREATE TABLE t (a mood, b crm.mood[], c d)
