-- Deploy shop:data to pg
\copy app.customers FROM 'customers.csv' WITH (FORMAT csv)
COPY app.customers (id, name) FROM stdin;
1	Ada; she's first
2	Ben
\.
GRANT SELECT ON app.customers TO :"reader";
SELECT format('GRANT USAGE ON SCHEMA app TO %I', rolname) FROM pg_roles WHERE rolname LIKE 'app%' \gexec
VACUUM ANALYZE app.customers;
