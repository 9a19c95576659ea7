CREATE TABLE t (a int UNIQUE UNIQUE, b int UNIQUE CONSTRAINT own UNIQUE, d int UNIQUE PRIMARY KEY, c int CHECK (c > 0) CHECK (c < 9), CHECK (a > 0), CHECK (b > 0 AND a > 0), CHECK (c <> 1))
