ALTER TABLE business ADD COLUMN default_language text;
UPDATE business SET default_language = CASE country_code WHEN 'DE' THEN 'de' WHEN 'FR' THEN 'fr' ELSE 'en' END;
ALTER TABLE business ALTER COLUMN default_language SET NOT NULL;
