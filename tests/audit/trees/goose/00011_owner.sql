-- +goose Up
-- +goose ENVSUB ON
ALTER TABLE messages OWNER TO $APP_ROLE;
-- +goose ENVSUB OFF
ALTER TABLE messages ALTER COLUMN body SET DEFAULT '$5';
