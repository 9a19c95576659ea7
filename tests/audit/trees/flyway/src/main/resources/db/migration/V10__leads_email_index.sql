CREATE INDEX CONCURRENTLY IF NOT EXISTS leads_email_idx ON leads (email);
