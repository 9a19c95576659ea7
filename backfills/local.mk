# The example application's backfills: one .c, one plugin. Those of a numbered migration
# bear its number, the others are known by what they do. Built as migrations/ says.
EXTRA_DIST += backfills/countries.h
crm_backfills = \
	backfills/backfill_61_business_timezone.la \
	backfills/backfill_71_notes.la \
	backfills/backfill_81_business_language.la \
	backfills/backfill_84_receipts_currency.la \
	backfills/backfill_90_receipts_source.la \
	backfills/backfill_96_lead_name.la \
	backfills/backfill_110_call_log_outcome.la \
	backfills/backfill_117_leads_activity.la \
	backfills/clean_outbound_call_jobs.la \
	backfills/dedupe_call_log_call_sid.la \
	backfills/dedupe_messages_provider_msg_id.la \
	backfills/dedupe_whatsapp_message.la \
	backfills/default_business_calendars.la \
	backfills/leads_order_index.la \
	backfills/seed_business_contact_channels.la \
	backfills/seed_email_templates.la
noinst_LTLIBRARIES += $(crm_backfills)

backfills_backfill_61_business_timezone_la_SOURCES = backfills/backfill_61_business_timezone.c
backfills_backfill_61_business_timezone_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_61_business_timezone_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_71_notes_la_SOURCES = backfills/backfill_71_notes.c
backfills_backfill_71_notes_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_71_notes_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_81_business_language_la_SOURCES = backfills/backfill_81_business_language.c
backfills_backfill_81_business_language_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_81_business_language_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_84_receipts_currency_la_SOURCES = backfills/backfill_84_receipts_currency.c
backfills_backfill_84_receipts_currency_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_84_receipts_currency_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_90_receipts_source_la_SOURCES = backfills/backfill_90_receipts_source.c
backfills_backfill_90_receipts_source_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_90_receipts_source_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_96_lead_name_la_SOURCES = backfills/backfill_96_lead_name.c
backfills_backfill_96_lead_name_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_96_lead_name_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_110_call_log_outcome_la_SOURCES = backfills/backfill_110_call_log_outcome.c
backfills_backfill_110_call_log_outcome_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_110_call_log_outcome_la_LDFLAGS = $(crm_ldflags)
backfills_backfill_117_leads_activity_la_SOURCES = backfills/backfill_117_leads_activity.c
backfills_backfill_117_leads_activity_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_backfill_117_leads_activity_la_LDFLAGS = $(crm_ldflags)
backfills_clean_outbound_call_jobs_la_SOURCES = backfills/clean_outbound_call_jobs.c
backfills_clean_outbound_call_jobs_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_clean_outbound_call_jobs_la_LDFLAGS = $(crm_ldflags)
backfills_dedupe_call_log_call_sid_la_SOURCES = backfills/dedupe_call_log_call_sid.c
backfills_dedupe_call_log_call_sid_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_dedupe_call_log_call_sid_la_LDFLAGS = $(crm_ldflags)
backfills_dedupe_messages_provider_msg_id_la_SOURCES = backfills/dedupe_messages_provider_msg_id.c
backfills_dedupe_messages_provider_msg_id_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_dedupe_messages_provider_msg_id_la_LDFLAGS = $(crm_ldflags)
backfills_dedupe_whatsapp_message_la_SOURCES = backfills/dedupe_whatsapp_message.c
backfills_dedupe_whatsapp_message_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_dedupe_whatsapp_message_la_LDFLAGS = $(crm_ldflags)
backfills_default_business_calendars_la_SOURCES = backfills/default_business_calendars.c
backfills_default_business_calendars_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_default_business_calendars_la_LDFLAGS = $(crm_ldflags)
backfills_leads_order_index_la_SOURCES = backfills/leads_order_index.c
backfills_leads_order_index_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_leads_order_index_la_LDFLAGS = $(crm_ldflags)
backfills_seed_business_contact_channels_la_SOURCES = backfills/seed_business_contact_channels.c
backfills_seed_business_contact_channels_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_seed_business_contact_channels_la_LDFLAGS = $(crm_ldflags)
backfills_seed_email_templates_la_SOURCES = backfills/seed_email_templates.c
backfills_seed_email_templates_la_CFLAGS = $(SG_PLUGIN_CFLAGS)
backfills_seed_email_templates_la_LDFLAGS = $(crm_ldflags)
