/* render_audit_json.c - an audit as JSON: all of it, also what was silenced. The members are a contract (sgrun(1), OUTPUT). */
#include "config.h"

#include "core/cli/render_audit.h"

static const char *standing_name(enum sg_audit_standing standing)
{
	static const char *const names[] = { "open", "allowed", "known" };

	return names[standing];
}

static void set_texts(struct sg_json *into, const char *key, const char *const *texts, size_t count)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < count; i++)
		sg_json_add_text(list, texts[i]);
	sg_json_set(into, key, list);
}

static void set_line(struct sg_json *into, const char *key, int line)
{
	if (line > 0)
		sg_json_set_int(into, key, line);
	else
		sg_json_set_null(into, key);
}

/* "migration", "path", "line", "column", "statement", "text" */
static void set_place(struct sg_json *into, const struct sg_audit_result *result, const struct sg_audit_place *place)
{
	const struct sg_audit_seen *seen = &result->migrations[place->migration];

	sg_json_set_text(into, "migration", seen->id);
	sg_json_set_text(into, "path", seen->path);
	set_line(into, "line", place->line);
	set_line(into, "column", place->column);
	sg_json_set_int(into, "statement", (int64_t)place->statement + 1);
	sg_json_set_text(into, "text", place->text);
}

static struct sg_json *migrations_json(const struct sg_audit_result *result)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < result->migration_count; i++) {
		const struct sg_audit_seen *seen = &result->migrations[i];
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "id", seen->id);
		sg_json_set_text(one, "title", seen->title);
		sg_json_set_text(one, "description", seen->description);
		sg_json_set_text(one, "path", seen->path);
		set_line(one, "line", seen->line);
		sg_json_set_text(one, "layout", sg_audit_layout_name(seen->layout));
		sg_json_set_int(one, "statements", (int64_t)seen->statements);
		sg_json_set_int(one, "unread", (int64_t)seen->unread);
		sg_json_set_int(one, "meta_commands", (int64_t)seen->meta_commands);
		sg_json_set_int(one, "placeholders", (int64_t)seen->placeholders);
		sg_json_set_bool(one, "dml", seen->has_dml);
		sg_json_set_text(one, "priority", seen->has_dml ? sg_render_priority(seen->priority) : NULL);
		sg_json_set_text(one, "why", seen->has_dml ? seen->why : NULL);
		set_texts(one, "tables", seen->tables, seen->has_dml ? seen->table_count : 0);
		set_texts(one, "types", seen->types, seen->has_dml ? seen->type_count : 0);
		sg_json_add(list, one);
	}
	return list;
}

static struct sg_json *dml_json(const struct sg_audit_result *result)
{
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < result->dml_count; i++) {
		const struct sg_audit_dml *dml = &result->dml[i];
		struct sg_json *one = sg_json_object();

		set_place(one, result, &dml->place);
		sg_json_set_text(one, "type", dml->type);
		set_texts(one, "tables", dml->tables, dml->table_count);
		sg_json_set_text(one, "via", dml->via);
		sg_json_set_text(one, "kind", sg_dml_kind_name(dml->kind));
		sg_json_set_text(one, "verdict", sg_dml_verdict_name(dml->verdict));
		sg_json_set_text(one, "reason", dml->reason);
		sg_json_set_text(one, "action", dml->action);
		sg_json_set_text(one, "standing", standing_name(dml->standing));
		sg_json_set_text(one, "allowed", dml->allowed);
		sg_json_add(list, one);
	}
	return list;
}

static struct sg_json *findings_json(const struct sg_audit_result *result)
{
	static const char *const seen[] = { "read", "measured", "otherwise" };
	struct sg_json *list = sg_json_array();

	for (size_t i = 0; i < result->finding_count; i++) {
		const struct sg_audit_finding *finding = &result->findings[i];
		const struct sg_rule *rule = sg_rule(finding->rule);
		struct sg_json *one = sg_json_object();

		sg_json_set_text(one, "rule", rule->id);
		sg_json_set_text(one, "severity", sg_severity_name(rule->severity));
		set_place(one, result, &finding->place);
		sg_json_set_text(one, "table", finding->table);
		sg_json_set_text(one, "detail", finding->detail);
		sg_json_set_text(one, "seen", seen[finding->seen]);
		sg_json_set_text(one, "seen_what", finding->seen_what);
		sg_json_set_text(one, "standing", standing_name(finding->standing));
		sg_json_set_text(one, "allowed", finding->allowed);
		sg_json_add(list, one);
	}
	return list;
}

/* Those that were found, by their ids. */
static struct sg_json *rules_json(const struct sg_audit_result *result)
{
	struct sg_json *rules = sg_json_object();
	bool done[SG_RULE_COUNT] = { false };

	for (size_t i = 0; i < result->finding_count; i++) {
		const struct sg_rule *rule = sg_rule(result->findings[i].rule);
		struct sg_json *one;

		if (done[result->findings[i].rule])
			continue;
		done[result->findings[i].rule] = true;
		one = sg_json_object();
		sg_json_set_text(one, "severity", sg_severity_name(rule->severity));
		sg_json_set_text(one, "title", rule->title);
		sg_json_set_text(one, "locks", rule->locks);
		sg_json_set_text(one, "why", rule->why);
		sg_json_set_text(one, "instead", rule->instead);
		sg_json_set_text(one, "since", rule->since);
		sg_json_set(rules, rule->id, one);
	}
	return rules;
}

static struct sg_json *hot_json(const struct sg_audit_about *about)
{
	static const char *const how[] = { "unknown", "option", "manifest", "measured" };
	struct sg_json *hot = sg_json_object();

	sg_json_set_text(hot, "known_by", how[about->hot]);
	if (about->hot == SG_HOT_MEASURED)
		sg_json_set_int(hot, "seconds", about->sample_seconds);
	else
		sg_json_set_null(hot, "seconds");
	set_texts(hot, "tables", about->options->hot_tables, about->options->hot_count);
	return hot;
}

static struct sg_json *summary_json(const struct sg_audit_result *result)
{
	struct sg_json *summary = sg_json_object(), *dml = sg_json_object(), *findings = sg_json_object(),
	               *priorities = sg_json_object();
	size_t by[3] = { 0 }, allowed = 0, known = 0;

	sg_json_set_int(dml, "safe", (int64_t)sg_audit_count_dml(result, SG_DML_SAFE));
	sg_json_set_int(dml, "potentially_unsafe", (int64_t)sg_audit_count_dml(result, SG_DML_POTENTIALLY_UNSAFE));
	sg_json_set_int(dml, "unsafe", (int64_t)sg_audit_count_dml(result, SG_DML_UNSAFE));
	sg_json_set(summary, "dml", dml);
	sg_json_set_int(findings, "error", (int64_t)sg_audit_count_findings(result, SG_SEVERITY_ERROR));
	sg_json_set_int(findings, "warning", (int64_t)sg_audit_count_findings(result, SG_SEVERITY_WARNING));
	sg_json_set_int(findings, "hint", (int64_t)sg_audit_count_findings(result, SG_SEVERITY_HINT));
	sg_json_set(summary, "findings", findings);
	for (size_t i = 0; i < result->migration_count; i++)
		if (result->migrations[i].has_dml)
			by[result->migrations[i].priority]++;
	sg_json_set_int(priorities, "high", (int64_t)by[SG_PRIORITY_HIGH]);
	sg_json_set_int(priorities, "medium", (int64_t)by[SG_PRIORITY_MEDIUM]);
	sg_json_set_int(priorities, "low", (int64_t)by[SG_PRIORITY_LOW]);
	sg_json_set(summary, "backfills", priorities);
	for (size_t i = 0; i < result->dml_count; i++) {
		allowed += result->dml[i].standing == SG_STANDING_ALLOWED;
		known += result->dml[i].standing == SG_STANDING_KNOWN;
	}
	for (size_t i = 0; i < result->finding_count; i++) {
		allowed += result->findings[i].standing == SG_STANDING_ALLOWED;
		known += result->findings[i].standing == SG_STANDING_KNOWN;
	}
	sg_json_set_int(summary, "allowed", (int64_t)allowed);
	sg_json_set_int(summary, "known", (int64_t)known);
	sg_json_set_int(summary, "migrations", (int64_t)result->migration_count);
	sg_json_set_int(summary, "statements", (int64_t)result->statements);
	sg_json_set_int(summary, "not_read", (int64_t)result->errs.count);
	sg_json_set_int(summary, "meta_commands", (int64_t)result->meta_commands);
	sg_json_set_int(summary, "placeholders", (int64_t)result->placeholders);
	sg_json_set_int(summary, "down", (int64_t)result->down);
	sg_json_set_int(summary, "other", (int64_t)result->other);
	return summary;
}

static struct sg_json *baseline_json(const struct sg_audit_about *about)
{
	struct sg_json *baseline = sg_json_object();

	sg_json_set_text(baseline, "file", about->baseline);
	sg_json_set_bool(baseline, "written", about->baseline_written);
	if (about->baseline_written)
		sg_json_set_int(baseline, "lines", (int64_t)about->baseline_lines);
	else
		sg_json_set_int(baseline, "unmet", (int64_t)about->baseline_unmet);
	return baseline;
}

void sg_render_audit_json(struct sg_json *into, const struct sg_audit_about *about, const struct sg_audit_result *result)
{
	static const char *const sources[] = { "files", "rehearsal", "ledger" };
	struct sg_json *not_read = sg_json_array();

	sg_json_set_text(into, "source", sources[about->source]);
	set_texts(into, "paths", about->paths, about->path_count);
	sg_json_set_int(into, "server_version", about->options->server_version);
	sg_json_set(into, "hot_tables", hot_json(about));
	sg_json_set(into, "summary", summary_json(result));
	sg_json_set(into, "migrations", migrations_json(result));
	sg_json_set(into, "dml", dml_json(result));
	sg_json_set(into, "findings", findings_json(result));
	sg_json_set(into, "rules", rules_json(result));
	if (about->baseline != NULL)
		sg_json_set(into, "baseline", baseline_json(about));
	else
		sg_json_set_null(into, "baseline");
	for (size_t i = 0; i < result->errs.count; i++)
		sg_json_add(not_read, sg_json_err(&result->errs.list[i]));
	sg_json_set(into, "not_read", not_read);
}
