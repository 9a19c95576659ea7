-- Messages that came twice: keep the first.
DELETE FROM messages a USING messages b
 WHERE a.provider_msg_id = b.provider_msg_id AND a.id > b.id;
ALTER TABLE messages ADD CONSTRAINT messages_provider_msg_id_key UNIQUE (provider_msg_id);
