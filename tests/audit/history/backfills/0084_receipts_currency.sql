ALTER TABLE receipts ADD COLUMN currency varchar(3);
UPDATE receipts r SET currency = CASE b.country_code WHEN 'GB' THEN 'GBP' WHEN 'US' THEN 'USD' ELSE 'EUR' END
  FROM business b
 WHERE b.id = r.business_id;
