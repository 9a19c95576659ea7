-- A first calendar for each business without one.
INSERT INTO business_calendars (business_id, name, timezone)
SELECT b.id, b.name, b.timezone
  FROM business b
 WHERE NOT EXISTS (SELECT 1 FROM business_calendars c WHERE c.business_id = b.id);
