CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id WITH NO DATA;
CREATE UNIQUE INDEX uq_totals ON totals (customer_id);
