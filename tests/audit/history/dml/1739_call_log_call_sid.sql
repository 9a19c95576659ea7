DELETE FROM call_log
 WHERE call_sid IS NOT NULL
   AND id NOT IN (SELECT MIN(id) FROM call_log WHERE call_sid IS NOT NULL GROUP BY call_sid);

CREATE UNIQUE INDEX IF NOT EXISTS ux_call_log_call_sid ON call_log (call_sid) WHERE call_sid IS NOT NULL;
