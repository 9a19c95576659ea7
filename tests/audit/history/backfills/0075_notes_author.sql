ALTER TABLE notes ADD COLUMN author text;
UPDATE notes SET author = 'import' WHERE author IS NULL;
