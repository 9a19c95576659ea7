CREATE TABLE call_log (id bigint PRIMARY KEY, lead_id bigint REFERENCES leads (id), call_sid text);
