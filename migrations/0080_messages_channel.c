/* 0080_messages_channel.c - messages may come through WhatsApp.
 *
 * PostgreSQL cannot change a CHECK constraint, only drop it and add another. Our
 * first version typed in the list of channels as the migrations knew it, and so
 * took away 'voicemail', which someone had allowed by hand; voice mail failed
 * for a day. Hence this one reads the definition that is there, and widens that:
 * what was allowed stays allowed, whoever allowed it.
 *
 * NOT VALID spares the scan of the table under a lock that stops all reading: the
 * old rows satisfied the narrower constraint. New rows are checked at once. 0081
 * validates it, in a transaction of its own and under a lock that lets the
 * application work; doing that here would hold this lock for as long as it takes. */
#include "crm.h"

SG_MIGRATION("0080_messages_channel", "messages through WhatsApp");

int fingerprint(sg_ctx *sg)
{
	return constraint_says(sg, "messages", "messages_channel_check", "'whatsapp'");
}

int run(sg_ctx *sg)
{
	const char *definition = sg_constraint_def(sg, "messages", "messages_channel_check");
	const char *open, *close;
	char expression[2048];
	size_t length;

	if (definition == NULL)
		return sg_fail(sg, "messages has no constraint messages_channel_check: see which name it has, "
		                   "and whether the list of channels is checked at all");
	/* "CHECK ((…)) NOT VALID": the expression is what the outermost brackets hold */
	open = strchr(definition, '(');
	close = strrchr(definition, ')');
	if (open == NULL || close == NULL || close < open)
		return sg_fail(sg, "messages_channel_check is no CHECK constraint: %s", definition);
	length = (size_t)(close - open) + 1;
	if (length >= sizeof expression)
		return sg_fail(sg, "messages_channel_check is longer than any list of channels: %s", definition);
	memcpy(expression, open, length);
	expression[length] = '\0';

	sg_ddl(sg, "ALTER TABLE messages DROP CONSTRAINT messages_channel_check");
	sg_ddlf(sg, "ALTER TABLE messages ADD CONSTRAINT messages_channel_check"
	            " CHECK (channel = 'whatsapp' OR %s) NOT VALID", expression);
	return SG_OK;
}
