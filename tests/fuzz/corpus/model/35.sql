CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a mood, b int); DROP TYPE mood CASCADE
