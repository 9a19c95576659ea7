DELETE FROM call_log WHERE id NOT IN (SELECT MIN(id) FROM call_log GROUP BY call_sid) AND call_sid <> '';
CREATE UNIQUE INDEX ux_call_log_call_sid ON call_log (call_sid);
