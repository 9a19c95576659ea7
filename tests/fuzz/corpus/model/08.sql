CREATE TABLE t (a int); CREATE TABLE c AS SELECT a, a::bigint AS b, 'x'::varchar(3) AS c FROM t WITH NO DATA; DROP TABLE t; ALTER TABLE c ALTER a TYPE text
