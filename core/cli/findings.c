/* findings.c - see findings.h. A baseline is written beside its name and then renamed: nobody ever reads half of one. */
#include "config.h"
#include "core/cli/findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"

int sg_findings_baseline(struct sg_cli *cli, struct sg_audit_options *options)
{
	const struct sg_options *o = &cli->options;
	struct sg_err err = SG_ERR_INIT;

	if (o->baseline == NULL || o->write_baseline)
		return 0;
	if (access(o->baseline, F_OK) != 0 && errno == ENOENT) {
		sg_err_set(&err, SG_CLASS_USAGE, "there is no baseline '%s'", o->baseline);
		sg_err_hint(&err, "Write it first, with what is found now: --write-baseline --baseline %s.", o->baseline);
	} else if (sg_baseline_read(o->baseline, &cli->arena, &options->baseline, &err) == 0) {
		return 0;
	}
	sg_err_move(sg_cli_err(cli), &err);
	return -1;
}

/* ---- allow = of the manifest ---------------------------------------------------- */

static bool is_kind(const char *word)
{
	for (int kind = SG_DML_DEDUP_FOR_UNIQUE; kind <= SG_DML_OTHER; kind++)
		if (strcmp(word, sg_dml_kind_name((enum sg_dml_kind)kind)) == 0)
			return true;
	return strcmp(word, "dml") == 0;
}

static bool is_rule(const char *word)
{
	for (int i = 0; i < SG_RULE_COUNT; i++)
		if (sg_rule_matches(word, sg_rule((enum sg_rule_id)i)->id))
			return true;
	return false;
}

static void warn_of(const struct sg_list *allow, const char *step)
{
	for (size_t i = 0; i < allow->count; i++)
		if (!is_kind(allow->items[i]) && !is_rule(allow->items[i]))
			sg_log(SG_LOG_WARNING, "allow", step, 0, "allow = %s: there is no such rule, and it silences nothing", allow->items[i]);
}

void sg_findings_check_allow(const struct sg_manifest *manifest)
{
	warn_of(&manifest->policy.allow, NULL);
	/* a step without a list of its own has the file's */
	for (size_t i = 0; i < manifest->step_count; i++)
		if (manifest->steps[i].policy.allow.items != manifest->policy.allow.items)
			warn_of(&manifest->steps[i].policy.allow, manifest->steps[i].id);
}

/* ---- writing it --------------------------------------------------------------- */

/* Every line of it, and those findings are known from now on. What is safe needs no line. */
static size_t collect(struct sg_buf *out, struct sg_audit_result *result)
{
	struct sg_arena arena = SG_ARENA_INIT;
	size_t lines = 0;

	for (size_t i = 0; i < result->dml_count; i++) {
		struct sg_audit_dml *dml = &result->dml[i];

		if (dml->standing != SG_STANDING_OPEN || dml->verdict == SG_DML_SAFE)
			continue;
		sg_baseline_line(out, result->migrations[dml->place.migration].id,
		                 sg_arena_printf(&arena, "dml:%s", sg_dml_kind_name(dml->kind)), dml->place.text,
		                 sg_render_place(result, &dml->place, &arena));
		dml->standing = SG_STANDING_KNOWN;
		lines++;
	}
	for (size_t i = 0; i < result->finding_count; i++) {
		struct sg_audit_finding *finding = &result->findings[i];

		if (finding->standing != SG_STANDING_OPEN)
			continue;
		sg_baseline_line(out, result->migrations[finding->place.migration].id, sg_rule(finding->rule)->id,
		                 finding->place.text, sg_render_place(result, &finding->place, &arena));
		finding->standing = SG_STANDING_KNOWN;
		lines++;
	}
	sg_arena_release(&arena);
	return lines;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno != EINTR)
			return -1;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

static int write_file(const char *path, const char *bytes, size_t length, struct sg_err *err)
{
	struct sg_arena arena = SG_ARENA_INIT;
	char *temporary = sg_arena_printf(&arena, "%s.XXXXXX", path);
	int fd = mkstemp(temporary), problem = fd < 0 ? errno : 0;
	mode_t mask;

	if (fd >= 0) {
		mask = umask(0);
		(void)umask(mask);
		if (fchmod(fd, 0666 & ~mask) != 0 || write_all(fd, bytes, length) != 0 || fsync(fd) != 0)
			problem = errno;
		if (close(fd) != 0 && problem == 0)
			problem = errno;
		if (problem == 0 && rename(temporary, path) != 0)
			problem = errno;
		if (problem != 0)
			(void)unlink(temporary);
	}
	sg_arena_release(&arena);
	if (problem == 0)
		return 0;
	sg_err_set(err, SG_CLASS_USAGE, "the baseline '%s' could not be written: %s", path, strerror(problem));
	return sg_err_hint(err, "It is written as a new file in that folder, which then takes its name.");
}

static void write_baseline(struct sg_cli *cli, struct sg_audit_about *about, struct sg_audit_result *result)
{
	struct sg_buf text = SG_BUF_INIT;
	struct sg_err err = SG_ERR_INIT;

	sg_buf_adds(&text, "# What an audit by sgrun has found and does not report any more; new findings count. Written by\n"
	                   "# --write-baseline: a line each, of which only the digits matter.\n");
	about->baseline_lines = collect(&text, result);
	about->baseline_written = true;
	if (write_file(cli->options.baseline, text.data, text.length, &err) != 0)
		sg_err_move(sg_cli_err(cli), &err);
	sg_buf_release(&text);
}

/* ---- --fail-on ------------------------------------------------------------------ */

static size_t count_rule(const struct sg_audit_result *result, const char *word)
{
	size_t count = 0;

	for (size_t i = 0; i < result->finding_count; i++)
		count += result->findings[i].standing == SG_STANDING_OPEN &&
		         sg_rule_matches(word, sg_rule(result->findings[i].rule)->id);
	return count;
}

static size_t count_word(const struct sg_audit_result *result, const char *word)
{
	static const char *const severities[] = { NULL, "hint", "warning", "error" };
	size_t count = 0;

	if (strcmp(word, "unread") == 0)
		return result->errs.count;
	if (strcmp(word, "unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE);
	if (strcmp(word, "potentially-unsafe") == 0)
		return sg_audit_count_dml(result, SG_DML_UNSAFE) + sg_audit_count_dml(result, SG_DML_POTENTIALLY_UNSAFE);
	for (int least = SG_SEVERITY_HINT; least <= SG_SEVERITY_ERROR; least++)
		if (strcmp(word, severities[least]) == 0) {
			for (int severity = least; severity <= SG_SEVERITY_ERROR; severity++)
				count += sg_audit_count_findings(result, (enum sg_severity)severity);
			return count;
		}
	return count_rule(result, word);
}

void sg_findings_judge(struct sg_cli *cli, struct sg_audit_about *about, struct sg_audit_result *result, size_t failed)
{
	const struct sg_options *o = &cli->options;
	struct sg_buf found = SG_BUF_INIT;
	struct sg_err *err;

	if (o->write_baseline)
		write_baseline(cli, about, result);
	else if (about->options->baseline != NULL)
		about->baseline_unmet = sg_baseline_unmet(about->options->baseline);
	for (size_t i = 0; i < o->fail_on_count; i++) {
		const char *word = o->fail_on[i];
		bool steps = strcmp(word, "failed") == 0;

		if (steps ? failed > 0 : sg_audit_exceeds(result, word))
			sg_buf_addf(&found, "%s%s (%zu)", found.length > 0 ? ", " : "", word, steps ? failed : count_word(result, word));
	}
	if (found.length > 0) {
		err = sg_cli_err(cli);
		sg_err_set(err, SG_CLASS_FINDINGS, "found what --fail-on names: %s", found.data);
		sg_err_hint(err, "The report says of each what to do. What must stay as it is can be allowed by a comment above the statement"
		                 " (-- sgrun: allow RULE reason), or be known by a --baseline.");
	}
	sg_buf_release(&found);
}
