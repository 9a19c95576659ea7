CREATE TABLE IF NOT EXISTS teams (id varchar(26) PRIMARY KEY, name text);
