/* seed_email_templates.c - the three templates that the application asks for by key.
 *
 * There is no table to walk, so this is a drain: it is called until it finds nothing
 * to do, and the manifest's `also_writes` says what it may write to. A template of
 * that key that is there already, edited by somebody, stays. */
#include <sgrun/plugin.h>

SG_DRAIN("seed_email_templates", "templates for receipts, missed calls and reviews");

#define TEMPLATES                                                                                                   \
	"(VALUES ('receipt_sent', 'Your receipt {{number}}', 'Your receipt over {{amount}} {{currency}} is attached.')," \
	"        ('missed_call', 'We missed your call', 'We will call you back. Or book here: {{link}}'),"              \
	"        ('review_request', 'How was your visit, {{name}}?', 'Tell us in a minute: {{link}}'))"                 \
	" AS template (key, subject, body)"

int fingerprint(sg_ctx *sg)
{
	return !sg_exists(sg, "SELECT 1 FROM " TEMPLATES
	                      " WHERE NOT EXISTS (SELECT 1 FROM email_templates e WHERE e.key = template.key)", SG_NOARGS);
}

int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch)
{
	(void)batch; /* three rows are no matter of sizes */
	return sg_dml(sg, "INSERT INTO email_templates (key, subject, body) SELECT key, subject, body FROM " TEMPLATES
	                  " ON CONFLICT (key) DO NOTHING", SG_NOARGS);
}
