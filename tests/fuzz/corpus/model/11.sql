CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int CHECK (c > 0), d int REFERENCES t, UNIQUE (b, c), CHECK (a > b), CHECK (1 > 0), FOREIGN KEY (b, c) REFERENCES t (b, c))
