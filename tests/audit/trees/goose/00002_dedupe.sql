-- +goose Up
-- One row a provider's id, as the index needs it.
DELETE FROM messages
 WHERE id NOT IN (SELECT min(id) FROM messages GROUP BY provider_msg_id); -- the oldest stays
CREATE UNIQUE INDEX messages_provider_idx ON messages (provider_msg_id);

-- +goose Down
DROP INDEX messages_provider_idx;
