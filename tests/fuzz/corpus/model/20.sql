CREATE TABLE t (a int4range, b int, EXCLUDE USING gist (a WITH &&), EXCLUDE (b WITH =) WHERE (b > 0), CONSTRAINT e EXCLUDE USING gist (a WITH &&, (int4range(b, b + 1)) WITH &&))
