ALTER TABLE call_log ADD COLUMN outcome varchar(40);

CREATE FUNCTION fill_outcome() RETURNS void LANGUAGE sql AS $$
	UPDATE call_log SET outcome = CASE status WHEN 'completed' THEN 'answered' WHEN 'no-answer' THEN 'missed' ELSE status END
$$;
SELECT fill_outcome();
DROP FUNCTION fill_outcome();
