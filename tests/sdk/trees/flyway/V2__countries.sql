CREATE TABLE countries (code char(2) PRIMARY KEY, name text NOT NULL, vat numeric(4, 1));
INSERT INTO countries (code, name, vat) VALUES
    ('DE', 'Germany', 19.0),
    ('AT', 'Austria', 20.0),
    ('CH', 'Switzerland; not in the EU', NULL)
ON CONFLICT (code) DO NOTHING;
INSERT INTO countries VALUES ('FR', 'France', 20.0);
