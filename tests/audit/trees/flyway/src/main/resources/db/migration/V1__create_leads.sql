CREATE TABLE leads (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_id bigint NOT NULL,
    email       text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
