INSERT INTO email_templates (key, subject, body)
VALUES ('review_request', 'How was your visit, {{name}}?', 'Tell us in a minute: {{link}}')
ON CONFLICT (key) DO NOTHING;
