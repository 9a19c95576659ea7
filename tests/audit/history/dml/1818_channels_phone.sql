-- The telephone number of each business becomes a channel.
INSERT INTO business_contact_channels (business_id, kind, address, is_default)
SELECT b.id, 'phone', b.phone, true
  FROM business b
 WHERE b.phone <> ''
   AND NOT EXISTS (SELECT 1 FROM business_contact_channels c WHERE c.business_id = b.id AND c.kind = 'phone');
