-- Where a lead came from; filled by the application from now on.
ALTER TABLE leads ADD COLUMN source text;
COMMENT ON COLUMN leads.source IS 'web; phone; import';
