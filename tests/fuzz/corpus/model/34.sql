CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a mood, b int, c mood[]); ALTER TYPE mood RENAME TO humour; CREATE TABLE u (a humour); ALTER TABLE t DROP COLUMN c
