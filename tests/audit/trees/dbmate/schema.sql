SET client_encoding = 'UTF8';
CREATE TABLE public.receipts (id bigint NOT NULL);
