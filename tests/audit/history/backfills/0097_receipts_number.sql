ALTER TABLE receipts ADD COLUMN receipt_number varchar(40);
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT id FROM receipts WHERE receipt_number IS NULL ORDER BY id LOOP
		UPDATE receipts SET receipt_number = 'R-' || lpad(r.id::text, 6, '0') WHERE id = r.id;
	END LOOP;
END
$$;
