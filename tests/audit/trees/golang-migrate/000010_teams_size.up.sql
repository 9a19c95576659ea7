BEGIN;
ALTER TABLE teams ADD COLUMN size integer;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM teams WHERE size IS NULL) THEN
        UPDATE teams SET size = 0 WHERE size IS NULL;
    END IF;
END $$;
COMMIT;
