CREATE TABLE leads (id bigint PRIMARY KEY, source text);
