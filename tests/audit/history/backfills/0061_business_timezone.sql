-- Set a time zone for existing businesses
ALTER TABLE business ADD COLUMN time_zone text;
UPDATE business SET time_zone = CASE country_code WHEN 'DE' THEN 'Europe/Berlin' ELSE 'UTC' END WHERE time_zone IS NULL;
