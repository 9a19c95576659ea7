-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY messages_body_idx ON messages (body);
-- +goose Down
DROP INDEX CONCURRENTLY messages_body_idx;
