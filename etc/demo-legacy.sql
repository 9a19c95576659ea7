-- The CRM's database as it was found, before any migration of this folder ran.
--
-- It is what five years leave behind. The first tables have integer keys,
-- varchar(255) and timestamps without a time zone, the later ones bigint, text
-- and timestamptz. Webhooks were delivered twice, so provider ids are there
-- twice; a form sent empty strings; leads were deleted where no foreign key
-- held them, so messages and calls speak of leads that are gone; and three
-- columns were added by hand during incidents, ahead of their migrations.
--
-- One script, sent as a whole in one transaction over a plain connection: no
-- psql commands, no COPY. Every value is computed from a row number, so two
-- loads give the same rows. In every hash below `h`, the number is Knuth's
-- multiplicative constant: it scatters, and it is the same every time.
--
-- Who refers to whom, where numbers are computed:
--   business  240 rows, ids 1..259, every 13th is gone:  n-th id = n + (n - 1) / 12
--   leads  50,000 rows, ids 1..52631, every 20th is gone: n-th id = n + (n - 1) / 19

SET search_path = public, pg_temp;

-- ---- functions and types -----------------------------------------------------

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END
$$;

CREATE TYPE call_direction AS ENUM ('inbound', 'outbound');

-- ---- tables ------------------------------------------------------------------

CREATE TABLE business (
	id serial PRIMARY KEY,
	name varchar(255) NOT NULL,
	slug varchar(120) NOT NULL,
	owner_email varchar(255),
	phone varchar(32),
	country_code char(2),
	plan varchar(20) NOT NULL DEFAULT 'starter',
	voice_language varchar(10),
	settings jsonb NOT NULL DEFAULT '{}',
	is_active boolean NOT NULL DEFAULT true,
	created_at timestamp NOT NULL DEFAULT now(),
	updated_at timestamp NOT NULL DEFAULT now(),
	timezone text,     -- by hand, the night reminders went out at 4 a.m.: migration 0061 finds it
	tts_provider text, -- by hand, the day a voice vendor was down: migration 0102 finds it
	CONSTRAINT business_plan_check CHECK (plan IN ('starter', 'team', 'scale', 'legacy'))
);

CREATE TABLE leads (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	first_name varchar(100),
	last_name varchar(100),
	email varchar(255),
	phone varchar(32),
	source varchar(40),
	status varchar(20) NOT NULL DEFAULT 'new',
	notes text,        -- one field for all that was ever said: migration 0071 gives notes a table
	tags text[],
	custom_fields json, -- json, not jsonb: nobody knew better
	created_at timestamp NOT NULL DEFAULT now(),
	updated_at timestamp NOT NULL DEFAULT now(),
	deleted_at timestamp,
	CONSTRAINT leads_status_check CHECK (status IN ('new', 'contacted', 'qualified', 'won', 'lost'))
);

CREATE TABLE messages (
	id bigserial PRIMARY KEY,
	business_id integer NOT NULL,
	lead_id integer,   -- its foreign key was dropped when a bulk delete took too long
	direction varchar(10) NOT NULL DEFAULT 'out',
	channel varchar(20) NOT NULL,
	provider_msg_id varchar(80),
	subject varchar(255),
	body text,
	status varchar(20) NOT NULL DEFAULT 'queued',
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT messages_direction_check CHECK (direction IN ('in', 'out')),
	-- 'voicemail' is in no migration: someone widened the list by hand (see 0080)
	CONSTRAINT messages_channel_check CHECK (channel IN ('sms', 'email', 'voicemail'))
);

CREATE TABLE call_log (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	lead_id integer,
	call_sid varchar(64),
	direction call_direction NOT NULL DEFAULT 'inbound',
	status varchar(20),
	from_number varchar(32),
	to_number varchar(32),
	started_at timestamptz NOT NULL,
	ended_at timestamptz,
	cost numeric(8,4),
	raw jsonb,
	summary text       -- by hand, for a demonstration: the other columns of 0110 are still missing
);

CREATE TABLE receipt_sync_runs (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	provider varchar(40) NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	status varchar(20),
	cursor text,
	error text
);

CREATE TABLE receipts (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	lead_id integer,
	receipt_number varchar(40),
	external_id varchar(80),
	customer_email varchar(255),
	amount numeric(12,2) NOT NULL,
	status varchar(20) NOT NULL DEFAULT 'draft',
	issued_at timestamp,
	paid_at timestamp,
	created_at timestamp NOT NULL DEFAULT now(),
	CONSTRAINT receipts_amount_check CHECK (amount >= 0)
);

CREATE TABLE appointments (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	lead_id integer NOT NULL,
	title varchar(255),
	starts_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL,
	status varchar(20) NOT NULL DEFAULT 'booked',
	created_at timestamp NOT NULL DEFAULT now(),
	updated_at timestamp NOT NULL DEFAULT now(),
	CONSTRAINT appointments_time_check CHECK (ends_at > starts_at)
);

CREATE TABLE faqs (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	question text NOT NULL,
	answer text,
	position integer NOT NULL DEFAULT 0
);

CREATE TABLE email_templates (
	id serial PRIMARY KEY,
	key varchar(80) NOT NULL UNIQUE,
	locale varchar(10) NOT NULL DEFAULT 'en',
	subject varchar(255) NOT NULL,
	body text NOT NULL,
	created_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE whatsapp_message (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	business_id integer NOT NULL,
	lead_id integer,
	provider_message_id text,
	direction text NOT NULL DEFAULT 'in',
	body text,
	status text NOT NULL DEFAULT 'received',
	received_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT whatsapp_message_direction_check CHECK (direction IN ('in', 'out'))
);

CREATE TABLE background_jobs (
	id bigserial PRIMARY KEY,
	queue varchar(40),
	kind varchar(80) NOT NULL,
	payload jsonb NOT NULL DEFAULT '{}',
	status varchar(20) NOT NULL DEFAULT 'pending',
	attempts smallint NOT NULL DEFAULT 0,
	run_at timestamptz NOT NULL DEFAULT now(),
	locked_at timestamptz,
	last_error text
);

CREATE TABLE outbound_call_runs (
	id serial PRIMARY KEY,
	business_id integer NOT NULL,
	name varchar(120),
	status varchar(20) NOT NULL DEFAULT 'planned',
	started_at timestamptz,
	finished_at timestamptz
);

CREATE TABLE outbound_call_jobs (
	id bigserial PRIMARY KEY,
	run_id integer NOT NULL,
	lead_id integer NOT NULL,
	status varchar(20) NOT NULL DEFAULT 'pending',
	attempts smallint NOT NULL DEFAULT 0,
	scheduled_at timestamptz,
	last_call_sid varchar(64)
);

CREATE TABLE business_contact_channels (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	business_id integer NOT NULL,
	kind text NOT NULL,
	address text NOT NULL,
	is_default boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT business_contact_channels_kind_check CHECK (kind IN ('phone', 'email', 'whatsapp'))
);

-- Calls of the first year, moved out of the way. The archive has a constraint of
-- the very name that 0113 adds to the live table: one asks by table AND name.
CREATE SCHEMA archive;
CREATE TABLE archive.outbound_call_jobs (
	id bigint PRIMARY KEY,
	run_id integer NOT NULL,
	lead_id integer NOT NULL,
	status varchar(20) NOT NULL,
	CONSTRAINT unique_run_lead UNIQUE (run_id, lead_id)
);

-- ---- rows --------------------------------------------------------------------

INSERT INTO business (id, name, slug, owner_email, phone, country_code, plan, voice_language,
                      settings, is_active, created_at, updated_at, timezone, tts_provider)
SELECT g,
       (ARRAY['Harbour', 'Linden', 'North', 'Old Mill', 'Riverside', 'Station', 'Sunny', 'Corner'])[1 + h % 8]
         || ' ' || (ARRAY['Dental', 'Garage', 'Physio', 'Hair', 'Vets', 'Law', 'Roofing', 'Yoga', 'Optics'])[1 + h / 8 % 9]
         || ' ' || g,
       'biz-' || g,
       CASE WHEN g % 11 = 0 THEN '' WHEN g % 17 = 0 THEN NULL ELSE 'owner' || g || '@example.com' END,
       '+1555' || lpad((h % 10000000)::text, 7, '0'),
       CASE WHEN g % 19 = 0 THEN NULL ELSE (ARRAY['US', 'GB', 'DE', 'FR', 'ES', 'IL', 'NL', 'AT'])[1 + h / 100 % 8] END,
       (ARRAY['starter', 'starter', 'starter', 'team', 'team', 'scale', 'legacy'])[1 + h / 1000 % 7],
       (ARRAY['en-US', 'en-GB', 'de-DE', 'fr-FR', NULL, ''])[1 + h / 10 % 6],
       jsonb_build_object('reminders', h % 2 = 0, 'signature', 'Kind regards, business ' || g),
       g % 23 <> 0,
       timestamp '2020-02-03 09:00' + g * interval '6 days 7 hours',
       timestamp '2020-02-03 09:00' + g * interval '6 days 9 hours',
       CASE WHEN g <= 20 THEN 'America/New_York' END,
       CASE WHEN g % 40 = 1 THEN 'polly' END
  FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 259) g WHERE g % 13 <> 0) s;

-- Names are missing in every way there is: NULL, empty, blank, only one of the two.
INSERT INTO leads (id, business_id, first_name, last_name, email, phone, source, status,
                   notes, tags, custom_fields, created_at, updated_at, deleted_at)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 17 = 0 THEN NULL WHEN h % 29 = 0 THEN '' WHEN h % 401 = 0 THEN ' '
            ELSE (ARRAY['Anna', 'Ben', 'Chloé', 'David', 'Elif', 'Farid', 'Grace', 'Hugo', 'Inés', 'Jonas',
                        'Kira', 'Liam', 'Maya', 'Noah', 'Olga', 'Priya', 'Quinn', 'Rosa', 'Søren', 'Tomás'])[1 + h % 20] END,
       CASE WHEN h % 13 = 0 THEN NULL WHEN h % 31 = 0 THEN ''
            ELSE (ARRAY['Adams', 'Berg', 'Cohen', 'Díaz', 'Evans', 'Fischer', 'García', 'Hansen', 'Ito', 'Jones',
                        'Khan', 'Levi', 'Müller', 'Nowak', 'O''Brien', 'Patel', 'Rossi', 'Smith', 'Turner'])[1 + h / 20 % 19] END,
       CASE WHEN h % 7 = 0 THEN NULL WHEN h % 41 = 0 THEN '' WHEN h % 43 = 0 THEN 'Lead' || g || '@EXAMPLE.com'
            ELSE 'lead' || g || '@example.com' END,
       CASE WHEN h % 19 = 0 THEN NULL WHEN h % 37 = 0 THEN '' ELSE '+1555' || lpad((h * 7 % 10000000)::text, 7, '0') END,
       (ARRAY['web', 'web', 'phone', 'import', 'referral', NULL, ''])[1 + h / 7 % 7],
       (ARRAY['new', 'new', 'contacted', 'contacted', 'qualified', 'won', 'lost'])[1 + h / 11 % 7],
       CASE WHEN h % 3 = 0 THEN 'Called back on day ' || h % 28 + 1 WHEN h % 47 = 0 THEN '' END,
       CASE WHEN h % 5 = 0 THEN ARRAY['vip'] WHEN h % 9 = 0 THEN ARRAY['newsletter', 'import-' || h % 12] END,
       CASE WHEN h % 6 = 0 THEN json_build_object('ref', h) END,
       timestamp '2020-03-01 08:00' + g * interval '51 minutes',
       timestamp '2020-03-01 08:00' + g * interval '53 minutes',
       CASE WHEN h % 53 = 0 THEN timestamp '2025-06-01' END
  FROM (SELECT g, h, 1 + ((h % 1000) * (h % 1000) * 240 / 1000000)::int AS b -- a few businesses have most of the leads
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 52631) g WHERE g % 20 <> 0) r) s;

-- About one in thirty repeats the provider's id of the message before it, as a
-- webhook that was delivered twice does. Some were never sent (NULL), some came
-- through an old gateway that gave no id ('').
INSERT INTO messages (id, business_id, lead_id, direction, channel, provider_msg_id, subject, body, status, created_at)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 61 = 0 THEN NULL ELSE 1 + h % 52631 END,
       CASE WHEN h % 3 = 0 THEN 'in' ELSE 'out' END,
       (ARRAY['sms', 'sms', 'email', 'email', 'email', 'voicemail'])[1 + h / 3 % 6],
       CASE WHEN h % 23 = 0 THEN NULL WHEN h % 59 = 0 THEN ''
            ELSE 'SM' || md5((CASE WHEN h % 31 = 0 THEN g - 1 ELSE g END)::text) END,
       CASE WHEN h / 3 % 6 BETWEEN 2 AND 4 THEN 'Your appointment' END,
       CASE WHEN h % 67 = 0 THEN '' ELSE 'Hello, this is message ' || g || '.' END,
       (ARRAY['delivered', 'delivered', 'sent', 'failed', 'queued'])[1 + h / 5 % 5],
       timestamptz '2021-01-04 00:00+00' + g * interval '23 minutes'
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 90000) g) r) s;

INSERT INTO call_log (id, business_id, lead_id, call_sid, direction, status, from_number, to_number,
                      started_at, ended_at, cost, raw, summary)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 9 = 0 THEN NULL ELSE 1 + h % 52631 END,
       CASE WHEN h % 37 = 0 THEN NULL WHEN h % 71 = 0 THEN ''
            ELSE 'CA' || md5((CASE WHEN h % 29 = 0 THEN g - 1 ELSE g END)::text) END,
       CASE WHEN h % 2 = 0 THEN 'inbound' ELSE 'outbound' END::call_direction,
       (ARRAY['completed', 'completed', 'completed', 'no-answer', 'busy', 'failed', NULL, ''])[1 + h / 2 % 8],
       '+1555' || lpad((h % 10000000)::text, 7, '0'),
       '+1555' || lpad((h * 3 % 10000000)::text, 7, '0'),
       timestamptz '2021-02-01 07:00+00' + g * interval '58 minutes',
       CASE WHEN h / 2 % 8 < 3 THEN timestamptz '2021-02-01 07:00+00' + g * interval '58 minutes' + (10 + h % 900) * interval '1 second' END,
       CASE WHEN h % 4 <> 0 THEN (h % 900) * 0.0013 END,
       CASE WHEN h % 10 = 0 THEN jsonb_build_object('carrier', 'c' || h % 9, 'attempt', h % 3) END,
       CASE WHEN g > 39800 THEN 'Caller asked for an appointment.' END
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 40000) g) r) s;

INSERT INTO receipt_sync_runs (id, business_id, provider, started_at, finished_at, status, cursor, error)
SELECT g,
       b + (b - 1) / 12,
       (ARRAY['ledgerly', 'invoicer', 'bookhub'])[1 + h % 3],
       timestamptz '2023-01-01 02:00+00' + g * interval '1 day',
       CASE WHEN h % 8 <> 0 THEN timestamptz '2023-01-01 02:00+00' + g * interval '1 day' + (5 + h % 300) * interval '1 second' END,
       (ARRAY['ok', 'ok', 'ok', 'failed', NULL, ''])[1 + h % 6],
       CASE WHEN h % 2 = 0 THEN 'page-' || h % 90 END,
       CASE WHEN h % 6 = 3 THEN 'timeout after 30000 ms' END
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 800) g) r) s;

-- One in twenty receipts belongs to a lead that is gone.
INSERT INTO receipts (id, business_id, lead_id, receipt_number, external_id, customer_email, amount,
                      status, issued_at, paid_at, created_at)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 11 = 0 THEN NULL ELSE 1 + h % 52631 END,
       CASE WHEN h % 14 = 0 THEN NULL ELSE 'R-' || lpad(g::text, 6, '0') END,
       CASE WHEN h % 3 = 0 THEN 'ext-' || h WHEN h % 5 = 0 THEN '' END,
       CASE WHEN h % 4 = 0 THEN NULL WHEN h % 9 = 0 THEN '' WHEN h % 10 = 0 THEN ' Customer' || g || '@Example.com '
            ELSE 'customer' || g || '@example.com' END,
       (5 + h % 90000) / 100.0,
       (ARRAY['paid', 'paid', 'paid', 'draft', 'void'])[1 + h % 5],
       timestamp '2022-11-01 10:00' + g * interval '95 minutes',
       CASE WHEN h % 5 < 2 THEN timestamp '2022-11-01 12:00' + g * interval '95 minutes' END, -- the third "paid" never got one
       timestamp '2022-11-01 09:59' + g * interval '95 minutes'
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 15000) g) r) s;

INSERT INTO appointments (id, business_id, lead_id, title, starts_at, ends_at, status, created_at, updated_at)
SELECT g,
       b + (b - 1) / 12,
       n + (n - 1) / 19,
       CASE WHEN h % 15 = 0 THEN NULL WHEN h % 33 = 0 THEN '' ELSE 'First visit' END,
       timestamptz '2022-01-03 08:00+00' + g * interval '2 hours',
       timestamptz '2022-01-03 08:30+00' + g * interval '2 hours',
       (ARRAY['booked', 'done', 'done', 'done', 'no-show', 'cancelled'])[1 + h % 6],
       timestamp '2021-12-20 08:00' + g * interval '2 hours',
       timestamp '2021-12-20 09:00' + g * interval '2 hours'
  FROM (SELECT g, h, 1 + (h % 240)::int AS b, 1 + (h % 50000)::int AS n
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 9000) g) r) s;

INSERT INTO faqs (id, business_id, question, answer, position)
SELECT 4 * (b - 1) + q,
       b + (b - 1) / 12,
       (ARRAY['When are you open?', 'Do I need an appointment?', 'Where can I park?', 'How can I pay?'])[q],
       CASE WHEN (b + q) % 9 = 0 THEN '' WHEN (b + q) % 14 = 0 THEN NULL ELSE 'Please see our website, section ' || q || '.' END,
       q - 1
  FROM generate_series(1, 240) b, generate_series(1, 4) q
 ORDER BY 1;

INSERT INTO email_templates (key, locale, subject, body, created_at) VALUES
	('welcome', 'en', 'Welcome, {{name}}', 'Thank you for getting in touch.', '2020-02-03'),
	('appointment_booked', 'en', 'Your appointment', 'See you on {{date}}.', '2020-02-03'),
	('appointment_reminder', 'en', 'Tomorrow: your appointment', 'We expect you at {{time}}.', '2020-05-11'),
	('appointment_cancelled', 'en', 'Appointment cancelled', 'It was cancelled.', '2020-05-11'),
	('password_reset', 'en', 'Reset your password', 'Follow this link: {{link}}', '2020-09-01'),
	('willkommen', 'de', 'Willkommen, {{name}}', 'Danke für Ihre Nachricht.', '2021-03-15');

INSERT INTO whatsapp_message (id, business_id, lead_id, provider_message_id, direction, body, status, received_at)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 12 = 0 THEN NULL ELSE 1 + h % 52631 END,
       CASE WHEN h % 41 = 0 THEN NULL WHEN h % 73 = 0 THEN ''
            WHEN h % 211 = 0 THEN 'wamid.test' -- the sandbox's one id: in many businesses, more than once in few
            ELSE 'wamid.' || md5(k::text) END,
       CASE WHEN h % 2 = 0 THEN 'in' ELSE 'out' END,
       CASE WHEN h % 39 = 0 THEN '' ELSE 'Hi, message ' || g END,
       (ARRAY['received', 'read', 'read', 'failed'])[1 + h / 2 % 4],
       timestamptz '2023-05-01 06:00+00' + g * interval '31 minutes'
  FROM (SELECT g, h, k, 1 + (k * 2654435761 % 1000003 % 240)::int AS b -- a repeated id is its own business's
          FROM (SELECT g, h, CASE WHEN h % 27 = 0 THEN g - 1 ELSE g END AS k
                  FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 30000) g) q) r) s;

INSERT INTO background_jobs (id, queue, kind, payload, status, attempts, run_at, locked_at, last_error)
SELECT g,
       (ARRAY['default', 'default', 'mail', 'sync', NULL, ''])[1 + h % 6],
       (ARRAY['send_reminder', 'sync_receipts', 'import_leads', 'send_mail'])[1 + h / 6 % 4],
       jsonb_build_object('business_id', b + (b - 1) / 12, 'n', g),
       (ARRAY['done', 'done', 'done', 'failed', 'pending'])[1 + h / 3 % 5],
       h % 5,
       timestamptz '2025-01-01 00:00+00' + g * interval '1 hour',
       CASE WHEN h % 50 = 0 THEN timestamptz '2025-01-01 00:05+00' + g * interval '1 hour' END, -- workers that died
       CASE WHEN h / 3 % 5 = 3 THEN 'connection reset by peer' END
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 5000) g) r) s;

INSERT INTO outbound_call_runs (id, business_id, name, status, started_at, finished_at)
SELECT g,
       b + (b - 1) / 12,
       CASE WHEN h % 10 = 0 THEN NULL ELSE 'Campaign ' || g END,
       (ARRAY['finished', 'finished', 'finished', 'stopped', 'planned'])[1 + h % 5],
       CASE WHEN h % 5 <> 4 THEN timestamptz '2024-01-08 09:00+00' + g * interval '2 days' END,
       CASE WHEN h % 5 < 3 THEN timestamptz '2024-01-08 17:00+00' + g * interval '2 days' END
  FROM (SELECT g, h, 1 + (h % 240)::int AS b
          FROM (SELECT g, g * 2654435761 % 1000003 AS h FROM generate_series(1, 400) g) r) s;

-- Fifty leads a run, each once and each one that is there …
INSERT INTO outbound_call_jobs (id, run_id, lead_id, status, attempts, scheduled_at, last_call_sid)
SELECT 50 * (r - 1) + j + 1,
       r,
       n + (n - 1) / 19,
       (ARRAY['done', 'done', 'no-answer', 'pending'])[1 + (r * 7 + j) % 4],
       (r + j) % 4,
       timestamptz '2024-01-08 09:00+00' + r * interval '2 days' + j * interval '5 minutes',
       CASE WHEN (r + j) % 4 > 0 THEN 'CA' || md5((r * 1000 + j)::text) END
  FROM (SELECT r, j, 1 + (r * 131 + j * 997) % 50000 AS n
          FROM generate_series(1, 400) r, generate_series(0, 49) j) s
 ORDER BY 1;

-- … but the button could be pressed twice, or three times, and campaigns and leads
-- (every 20th) were deleted while calls to them were planned. 0113 forbids this.
INSERT INTO outbound_call_jobs (id, run_id, lead_id, status, scheduled_at)
SELECT 20000 + g, (j - 1) / 50 + 1, lead_id, 'pending', scheduled_at + interval '2 seconds'
  FROM (SELECT g, CASE WHEN g <= 377 THEN 53 * g ELSE 530 * (g - 377) END AS j FROM generate_series(1, 414) g) again
  JOIN outbound_call_jobs ON id = j
 ORDER BY 1;

INSERT INTO outbound_call_jobs (id, run_id, lead_id, status)
SELECT 20414 + g,
       CASE WHEN g % 2 = 0 THEN 400 + g ELSE g END,
       CASE WHEN g % 2 = 0 THEN g + 1 ELSE 20 * g END,
       'pending'
  FROM generate_series(1, 200) g;

INSERT INTO archive.outbound_call_jobs (id, run_id, lead_id, status)
SELECT g, 10000 + g / 50, 1 + g % 50, 'done' FROM generate_series(1, 2000) g;

-- Every third business entered its channels when the screen for it came out.
INSERT INTO business_contact_channels (business_id, kind, address, is_default, created_at)
SELECT id, 'phone', phone, true, timestamptz '2024-09-01 00:00+00' + id * interval '1 hour'
  FROM business WHERE id % 3 = 0 ORDER BY id;

-- ---- sequences: the next id follows the last one -----------------------------

SELECT setval('business_id_seq', 259), setval('leads_id_seq', 52631), setval('messages_id_seq', 90000),
       setval('call_log_id_seq', 40000), setval('receipt_sync_runs_id_seq', 800), setval('receipts_id_seq', 15000),
       setval('appointments_id_seq', 9000), setval('faqs_id_seq', 960), setval('whatsapp_message_id_seq', 30000),
       setval('background_jobs_id_seq', 5000), setval('outbound_call_runs_id_seq', 400),
       setval('outbound_call_jobs_id_seq', 20614);

-- ---- keys, foreign keys, indexes, triggers -----------------------------------

ALTER TABLE business ADD CONSTRAINT business_slug_key UNIQUE (slug);
ALTER TABLE receipts ADD CONSTRAINT receipts_business_number_key UNIQUE (business_id, receipt_number);
ALTER TABLE business_contact_channels
	ADD CONSTRAINT business_contact_channels_address_key UNIQUE (business_id, kind, address);

ALTER TABLE leads ADD CONSTRAINT leads_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
ALTER TABLE messages ADD CONSTRAINT messages_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
ALTER TABLE call_log ADD CONSTRAINT call_log_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
ALTER TABLE receipt_sync_runs
	ADD CONSTRAINT receipt_sync_runs_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
ALTER TABLE receipts ADD CONSTRAINT receipts_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
-- NOT VALID, because the orphans were there already, and it stayed so
ALTER TABLE receipts
	ADD CONSTRAINT receipts_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES leads (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE appointments
	ADD CONSTRAINT appointments_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id),
	ADD CONSTRAINT appointments_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES leads (id) ON DELETE CASCADE;
ALTER TABLE faqs
	ADD CONSTRAINT faqs_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id) ON DELETE CASCADE;
ALTER TABLE outbound_call_runs
	ADD CONSTRAINT outbound_call_runs_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id);
ALTER TABLE business_contact_channels
	ADD CONSTRAINT business_contact_channels_business_id_fkey FOREIGN KEY (business_id) REFERENCES business (id)
	ON DELETE CASCADE;

CREATE INDEX idx_leads_business_id ON leads (business_id);
CREATE INDEX idx_leads_phone ON leads (phone);
CREATE INDEX idx_messages_lead_id ON messages (lead_id);
CREATE INDEX idx_messages_business_created ON messages (business_id, created_at);
CREATE INDEX idx_call_log_lead_id ON call_log (lead_id);
CREATE INDEX idx_receipts_lead_id ON receipts (lead_id);
CREATE INDEX idx_appointments_lead_id ON appointments (lead_id);
CREATE INDEX idx_outbound_call_jobs_run_id ON outbound_call_jobs (run_id);
CREATE INDEX idx_background_jobs_pending ON background_jobs (run_at) WHERE status = 'pending';

CREATE TRIGGER business_updated_at BEFORE UPDATE ON business
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER appointments_updated_at BEFORE UPDATE ON appointments
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- What the sales dashboard reads: it names columns, so their types cannot change under it.
CREATE VIEW lead_overview AS
SELECT l.id, l.business_id, b.name AS business, l.first_name, l.last_name, l.status, l.created_at
  FROM leads l
  JOIN business b ON b.id = l.business_id
 WHERE l.deleted_at IS NULL;

-- Row estimates for the planner, and for whoever asks how much there is to do.
ANALYZE business, leads, messages, call_log, receipt_sync_runs, receipts, appointments, faqs, email_templates,
        whatsapp_message, background_jobs, outbound_call_runs, outbound_call_jobs, business_contact_channels,
        archive.outbound_call_jobs;
