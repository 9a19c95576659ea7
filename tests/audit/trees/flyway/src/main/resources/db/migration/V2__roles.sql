-- The role is another one on each stage.
GRANT SELECT ON leads TO ${reporting_role};
INSERT INTO settings (name, value) VALUES ('stage', '${stage}');
ALTER TABLE leads ADD COLUMN note text;
