INSERT INTO email_templates (key, subject, body)
VALUES ('receipt_sent', 'Your receipt {{number}}', 'Your receipt over {{amount}} {{currency}} is attached.')
ON CONFLICT (key) DO NOTHING;
