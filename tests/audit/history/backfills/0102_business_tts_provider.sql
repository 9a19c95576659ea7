ALTER TABLE business ADD COLUMN tts_provider text;
UPDATE business SET tts_provider = 'polly' WHERE tts_provider IS NULL;
