-- migrate:up
CREATE TABLE receipts (
  id    bigint PRIMARY KEY,
  total numeric(12,2)
);

-- migrate:down
DROP TABLE receipts;
