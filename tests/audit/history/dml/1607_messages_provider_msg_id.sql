-- A webhook that comes twice makes one message.
DELETE FROM messages
 WHERE provider_msg_id IS NOT NULL
   AND id NOT IN (SELECT MIN(id) FROM messages WHERE provider_msg_id IS NOT NULL GROUP BY provider_msg_id);

CREATE UNIQUE INDEX IF NOT EXISTS ux_messages_provider_msg_id
    ON messages (provider_msg_id) WHERE provider_msg_id IS NOT NULL;
