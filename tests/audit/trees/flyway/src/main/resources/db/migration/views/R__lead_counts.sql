CREATE OR REPLACE VIEW lead_counts AS SELECT business_id, count(*) AS leads FROM leads GROUP BY business_id;
