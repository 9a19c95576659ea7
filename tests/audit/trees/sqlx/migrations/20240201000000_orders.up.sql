CREATE TABLE orders (id bigint PRIMARY KEY, user_id uuid REFERENCES users (id));
