DELETE FROM call_log a USING call_log b WHERE a.call_sid = b.call_sid AND a.id > b.id;
ALTER TABLE call_log ADD CONSTRAINT call_log_sid_key UNIQUE (call_sid);
