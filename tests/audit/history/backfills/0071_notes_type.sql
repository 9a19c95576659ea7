ALTER TABLE notes ADD COLUMN note_type text;
UPDATE notes SET note_type = 'general' WHERE note_type IS NULL;
