CREATE TABLE pages (id bigint);
