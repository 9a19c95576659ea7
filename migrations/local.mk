# The example application's migrations: one .c, one plugin. They are loaded from
# the build folder (plugin_path looks in .libs, too) and are not installed; the
# -rpath is what makes libtool build a .so of something that is not.
EXTRA_DIST += migrations/crm.h
crm_ldflags = $(SG_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^(sg_plugin|fingerprint|run|backfill_batch)$$'
crm_migrations = \
	migrations/0011_leads_order_index.la \
	migrations/0061_business_timezone.la \
	migrations/0071_notes.la \
	migrations/0080_messages_channel.la \
	migrations/0081_business_language.la \
	migrations/0084_receipts_currency.la \
	migrations/0090_receipts_source.la \
	migrations/0096_lead_name.la \
	migrations/0102_business_tts_provider.la \
	migrations/0110_call_log_outcome.la \
	migrations/0113_unique_run_lead.la \
	migrations/0114_outbound_call_runs_lock_ts.la \
	migrations/0115_business_calendars.la \
	migrations/0117_leads_activity.la
noinst_LTLIBRARIES += $(crm_migrations)

migrations_0011_leads_order_index_la_SOURCES = migrations/0011_leads_order_index.c
migrations_0011_leads_order_index_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0011_leads_order_index_la_LDFLAGS = $(crm_ldflags)
migrations_0061_business_timezone_la_SOURCES = migrations/0061_business_timezone.c
migrations_0061_business_timezone_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0061_business_timezone_la_LDFLAGS = $(crm_ldflags)
migrations_0071_notes_la_SOURCES = migrations/0071_notes.c
migrations_0071_notes_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0071_notes_la_LDFLAGS = $(crm_ldflags)
migrations_0080_messages_channel_la_SOURCES = migrations/0080_messages_channel.c
migrations_0080_messages_channel_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0080_messages_channel_la_LDFLAGS = $(crm_ldflags)
migrations_0081_business_language_la_SOURCES = migrations/0081_business_language.c
migrations_0081_business_language_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0081_business_language_la_LDFLAGS = $(crm_ldflags)
migrations_0084_receipts_currency_la_SOURCES = migrations/0084_receipts_currency.c
migrations_0084_receipts_currency_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0084_receipts_currency_la_LDFLAGS = $(crm_ldflags)
migrations_0090_receipts_source_la_SOURCES = migrations/0090_receipts_source.c
migrations_0090_receipts_source_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0090_receipts_source_la_LDFLAGS = $(crm_ldflags)
migrations_0096_lead_name_la_SOURCES = migrations/0096_lead_name.c
migrations_0096_lead_name_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0096_lead_name_la_LDFLAGS = $(crm_ldflags)
migrations_0102_business_tts_provider_la_SOURCES = migrations/0102_business_tts_provider.c
migrations_0102_business_tts_provider_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0102_business_tts_provider_la_LDFLAGS = $(crm_ldflags)
migrations_0110_call_log_outcome_la_SOURCES = migrations/0110_call_log_outcome.c
migrations_0110_call_log_outcome_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0110_call_log_outcome_la_LDFLAGS = $(crm_ldflags)
migrations_0113_unique_run_lead_la_SOURCES = migrations/0113_unique_run_lead.c
migrations_0113_unique_run_lead_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0113_unique_run_lead_la_LDFLAGS = $(crm_ldflags)
migrations_0114_outbound_call_runs_lock_ts_la_SOURCES = migrations/0114_outbound_call_runs_lock_ts.c
migrations_0114_outbound_call_runs_lock_ts_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0114_outbound_call_runs_lock_ts_la_LDFLAGS = $(crm_ldflags)
migrations_0115_business_calendars_la_SOURCES = migrations/0115_business_calendars.c
migrations_0115_business_calendars_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0115_business_calendars_la_LDFLAGS = $(crm_ldflags)
migrations_0117_leads_activity_la_SOURCES = migrations/0117_leads_activity.c
migrations_0117_leads_activity_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
migrations_0117_leads_activity_la_LDFLAGS = $(crm_ldflags)
