CREATE OR REPLACE VIEW call_counts AS SELECT lead_id, count(*) AS calls FROM call_log GROUP BY lead_id;
