CREATE TABLE leads (id bigint);
