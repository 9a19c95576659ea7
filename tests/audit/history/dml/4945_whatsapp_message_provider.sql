-- Ids of the provider are unique within a business only: the sandbox gives everybody the same.
DELETE FROM whatsapp_message
 WHERE id IN (
	SELECT id
	  FROM (SELECT id, row_number() OVER (PARTITION BY business_id, provider_message_id ORDER BY id) AS rn
	          FROM whatsapp_message
	         WHERE provider_message_id IS NOT NULL) AS numbered
	 WHERE rn > 1);

CREATE UNIQUE INDEX IF NOT EXISTS ux_whatsapp_message_provider
    ON whatsapp_message (business_id, provider_message_id);
