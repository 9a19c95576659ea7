INSERT INTO email_templates (key, subject, body)
VALUES ('missed_call', 'We missed your call', 'We will call you back. Or book here: {{link}}')
ON CONFLICT (key) DO NOTHING;
