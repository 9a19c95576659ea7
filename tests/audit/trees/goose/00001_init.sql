-- +goose Up
-- +goose StatementBegin
CREATE TABLE messages (
    id              bigserial PRIMARY KEY,
    provider_msg_id text,
    body            text
);
-- +goose StatementEnd

-- +goose Down
DROP TABLE messages;
