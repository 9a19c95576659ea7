-- And the owner's address another.
INSERT INTO business_contact_channels (business_id, kind, address)
SELECT b.id, 'email', b.owner_email
  FROM business b
 WHERE b.owner_email <> ''
   AND NOT EXISTS (SELECT 1 FROM business_contact_channels c WHERE c.business_id = b.id AND c.kind = 'email');
