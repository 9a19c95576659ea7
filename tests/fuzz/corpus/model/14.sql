CREATE TABLE t_a_key (x int); CREATE TABLE t (a int UNIQUE); CREATE TABLE t_pkey (x int); ALTER TABLE t ADD PRIMARY KEY (a); CREATE INDEX t_a_idx ON t_a_key (x); CREATE INDEX ON t (a)
