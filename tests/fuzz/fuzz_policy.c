/* fuzz_policy.c - the judge and the masks, fed any bytes.
 *
 * The first byte chooses phase, call and rules; the rest is the text. What must
 * hold for every text: a refusal is complete and its caret stands in the text, a
 * mask keeps the length in characters, and what is masked for operators is UTF-8. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/base/text.h"
#include "core/sql/mask.h"
#include "core/sql/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const struct sg_err *err)
{
	SG_ASSERT(err->class == SG_CLASS_POLICY && err->primary != NULL && err->primary[0] != '\0');
	SG_ASSERT(err->position == 0 || err->statement != NULL);
	if (err->statement != NULL && sg_text_utf8(err->statement, strlen(err->statement)))
		SG_ASSERT((size_t)err->position <= sg_text_chars(err->statement, strlen(err->statement)) + 1);
}

static void check_verdict(const struct sg_verdict *verdict, const struct sg_policy_rules *rules)
{
	SG_ASSERT(verdict->kind != NULL && verdict->kind[0] != '\0');
	SG_ASSERT(!verdict->outside || rules->no_transaction);
	SG_ASSERT(!verdict->unparsed || (rules->unparsed_allow && verdict->opaque));
	SG_ASSERT((verdict->makes == SG_MAKES_NOTHING) == (verdict->exists_sqlstates[0] == NULL));
	SG_ASSERT(verdict->makes == SG_MAKES_NOTHING || verdict->object.name != NULL);
	for (size_t i = 0; i < verdict->named.count; i++)
		SG_ASSERT(verdict->named.list[i].schema == NULL || strcmp(verdict->named.list[i].schema, "sgrun") != 0);
}

static void check_masks(struct sg_arena *arena, const char *text, size_t length)
{
	const char *masked;

	if (strlen(text) != length)
		return;
	masked = sg_sql_mask_literals(arena, text);
	SG_ASSERT(sg_text_utf8(masked, strlen(masked)));
	masked = sg_sql_mask_secrets(arena, text);
	if (sg_text_utf8(text, length))
		SG_ASSERT(sg_text_chars(masked, strlen(masked)) == sg_text_chars(text, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		enum sg_phase phase;
		enum sg_call call;
	} ways[] = { { SG_PHASE_RUN, SG_CALL_DDL }, { SG_PHASE_RUN, SG_CALL_QUERY }, { SG_PHASE_FINGERPRINT, SG_CALL_QUERY },
		     { SG_PHASE_BATCH, SG_CALL_DML } };
	struct sg_relation made[] = { { NULL, "made" } };
	struct sg_relations list = { made, 1, 1 };
	struct sg_policy_rules rules = { .state_schema = "sgrun", .schema = "public", .made = &list };
	struct sg_arena arena = SG_ARENA_INIT;
	struct sg_err err = SG_ERR_INIT;
	struct sg_verdict verdict;
	const char *text;

	if (size == 0)
		return 0;
	rules.phase = ways[data[0] & 3].phase;
	rules.no_transaction = data[0] & 8;
	rules.unparsed_allow = data[0] & 16;
	rules.drain = data[0] & 32;
	text = sg_arena_strndup(&arena, (const char *)data + 1, size - 1);
	if (sg_policy_judge(&rules, ways[data[0] & 3].call, text, size - 1, &arena, &verdict, &err) != 0)
		check_refusal(&err);
	else
		check_verdict(&verdict, &rules);
	check_masks(&arena, text, size - 1);
	sg_err_release(&err);
	sg_arena_release(&arena);
	return 0;
}
