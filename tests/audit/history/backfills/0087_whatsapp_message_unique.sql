WITH numbered AS (
	SELECT id, row_number() OVER (PARTITION BY business_id, provider_message_id ORDER BY received_at, id) AS rn
	  FROM whatsapp_message
	 WHERE provider_message_id <> ''
)
DELETE FROM whatsapp_message w USING numbered n WHERE n.id = w.id AND n.rn > 1;
CREATE UNIQUE INDEX ux_whatsapp_message_provider ON whatsapp_message (business_id, provider_message_id);
