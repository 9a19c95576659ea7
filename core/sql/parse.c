/* parse.c - see parse.h. The only file that includes <pg_query.h>.
 *
 * Its traps, all measured: on error the tree is not NULL but empty, so `error`
 * is what counts; a NUL ends the text in silence; UTF-8 is not checked; and
 * left-deep input recurses without a limit of its own (130 bytes of stack a
 * level, twice that for UNION). Long texts are therefore parsed on a thread
 * with a stack that a text of that length cannot use up; libpg_query's memory
 * is per thread and goes with it, the result is plain malloc. */
#include "config.h"

#include "core/sql/parse.h"

#include <pg_query.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/sql/lex.h"
#include "core/sql/mask.h"

/* pg_query_parse_plpgsql loses the one byte of an empty string when the body does
 * not parse. Leak checkers are told not to look there. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define LEAKS_BEGIN() __lsan_disable()
#define LEAKS_END() __lsan_enable()
#else
#define LEAKS_BEGIN() ((void)0)
#define LEAKS_END() ((void)0)
#endif

/* Up to here the caller's stack does: 4 Ki levels of 260 bytes at the worst. */
#define OWN_STACK_LIMIT ((size_t)8 << 10)
/* 1 MiB of "+1" needs 68 MB, of UNION less; only what is touched is ever backed by memory. */
#define BIG_STACK ((size_t)384 << 20)

struct job {
	const char *sql;
	bool plpgsql;
	char *text;    /* JSON, or NULL */
	char *message; /* or NULL */
	int cursor;    /* 1-based character, 0 = unknown */
};

const char *sg_parse_grammar(void)
{
	return PG_MAJORVERSION;
}

int sg_parse_place(struct sg_err *err, const char *sql, size_t length, size_t offset)
{
	struct sg_arena arena;
	char *copy;

	sg_arena_init(&arena);
	copy = sg_arena_strndup(&arena, sql, length);
	sg_err_statement(err, sg_sql_mask_secrets(&arena, copy),
	                 (int)sg_text_chars(copy, offset > length ? length : offset) + 1);
	sg_arena_release(&arena);
	return -1;
}

/* The message quotes the token it stumbled over. A literal may be a password in
 * a misspelt statement, so of that only the place is told. */
static void note_error(struct job *job, const PgQueryError *error)
{
	static const char near[] = " at or near \"";
	char *quote;

	job->message = sg_xstrdup(error->message != NULL ? error->message : "syntax error");
	quote = strstr(job->message, near);
	if (quote != NULL && strpbrk(quote + sizeof(near) - 1, "'$") != NULL)
		*quote = '\0';
	job->cursor = error->cursorpos > 0 ? error->cursorpos : 0;
}

static void *work(void *what)
{
	struct job *job = what;

	if (job->plpgsql) {
		PgQueryPlpgsqlParseResult result;

		LEAKS_BEGIN();
		result = pg_query_parse_plpgsql(job->sql);
		LEAKS_END();
		if (result.error != NULL)
			note_error(job, result.error);
		else
			job->text = sg_xstrdup(result.plpgsql_funcs != NULL ? result.plpgsql_funcs : "");
		pg_query_free_plpgsql_parse_result(result);
	} else {
		PgQueryParseResult result = pg_query_parse(job->sql);

		if (result.error != NULL)
			note_error(job, result.error);
		else
			job->text = sg_xstrdup(result.parse_tree != NULL ? result.parse_tree : "");
		pg_query_free_parse_result(result);
	}
	return NULL;
}

/* False when no thread could be had. */
static bool run(struct job *job, size_t length)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool done;

	if (length <= OWN_STACK_LIMIT) {
		work(job);
		return true;
	}
	if (pthread_attr_init(&attr) != 0)
		return false;
	done = pthread_attr_setstacksize(&attr, BIG_STACK) == 0 &&
	       pthread_create(&thread, &attr, work, job) == 0;
	pthread_attr_destroy(&attr);
	return done && pthread_join(thread, NULL) == 0;
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE, and DO. */
static bool has_body(const char *sql, size_t length)
{
	struct sg_lex lex;
	struct sg_token token;

	sg_lex_init(&lex, sql, length);
	if (!sg_lex_next(&lex, &token))
		return false;
	if (sg_lex_is(&lex, &token, "DO"))
		return true;
	if (!sg_lex_is(&lex, &token, "CREATE") || !sg_lex_next(&lex, &token))
		return false;
	/* NOLINTNEXTLINE(misc-redundant-expression): OR, and REPLACE: two tokens are passed over */
	if (sg_lex_is(&lex, &token, "OR") && !(sg_lex_next(&lex, &token) && sg_lex_next(&lex, &token)))
		return false;
	return sg_lex_is(&lex, &token, "FUNCTION") || sg_lex_is(&lex, &token, "PROCEDURE");
}

static enum sg_parse_result check_text(const char *sql, size_t length, struct sg_err *err)
{
	const char *nul = memchr(sql, '\0', length);

	if (nul != NULL) {
		sg_err_set(err, SG_CLASS_POLICY, "the statement holds a NUL byte, at byte %zu", (size_t)(nul - sql) + 1);
		sg_err_hint(err, "PostgreSQL text has no NUL bytes; look at the length that is given with the text.");
		return SG_PARSE_REFUSED;
	}
	if (length > SG_PARSE_BODY_LIMIT || (length > SG_PARSE_LIMIT && !has_body(sql, length))) {
		sg_err_set(err, SG_CLASS_POLICY, "the statement is %zu bytes long, and %zu are allowed", length,
		           length > SG_PARSE_BODY_LIMIT ? SG_PARSE_BODY_LIMIT : SG_PARSE_LIMIT);
		sg_err_hint(err, "Split it; only function, procedure and DO bodies may have up to 1 MiB.");
		return SG_PARSE_REFUSED;
	}
	if (!sg_text_utf8(sql, length)) {
		sg_err_set(err, SG_CLASS_POLICY, "the statement is not valid UTF-8");
		sg_err_hint(err, "Save the plugin's source as UTF-8.");
		return SG_PARSE_REFUSED;
	}
	return SG_PARSE_OK;
}

/* The parser gave up for lack of room, not of grammar: no newer server is to be
 * asked about such a text. */
static bool is_exhaustion(const char *message)
{
	return strstr(message, "memory exhausted") != NULL || strstr(message, "out of memory") != NULL ||
	       strstr(message, "stack depth") != NULL;
}

static enum sg_parse_result fail(const struct job *job, const char *sql, size_t length, struct sg_err *err)
{
	bool deep = is_exhaustion(job->message);

	if (deep) {
		sg_err_set(err, SG_CLASS_POLICY, "the statement is nested too deeply to be judged");
		sg_err_hint(err, "Write it in smaller parts.");
	} else {
		sg_err_set(err, SG_CLASS_POLICY, "the grammar of PostgreSQL %s cannot read this: %s", PG_MAJORVERSION,
		           job->message);
		sg_err_hint(err, "If it is newer syntax that your server knows, say unparsed = allow and reason = … in "
		                 "the step's section; then only the server's own checks stand.");
	}
	sg_parse_place(err, sql, length, job->cursor > 0 ? sg_text_offset(job->sql, (size_t)job->cursor - 1) : 0);
	return deep ? SG_PARSE_REFUSED : SG_PARSE_SYNTAX;
}

static enum sg_parse_result parse(const char *sql, size_t length, bool plpgsql, struct sg_json **tree_r,
                                  struct sg_err *err)
{
	struct job job = { .plpgsql = plpgsql };
	enum sg_parse_result result = check_text(sql, length, err);
	char *copy;

	if (result != SG_PARSE_OK)
		return result;
	copy = sg_xmalloc(length + 1);
	memcpy(copy, sql, length);
	copy[length] = '\0';
	job.sql = copy;
	if (!run(&job, length)) {
		sg_err_set(err, SG_CLASS_POLICY, "no thread could be started to parse a statement of %zu bytes", length);
		sg_err_hint(err, "Allow the process more threads and address space (ulimit -u, -v).");
		result = SG_PARSE_REFUSED;
	} else if (job.message != NULL) {
		result = fail(&job, sql, length, err);
	} else {
		struct sg_err cause = SG_ERR_INIT;

		*tree_r = sg_json_parse(job.text, strlen(job.text), &cause);
		if (*tree_r == NULL) {
			/* Above 2,048 levels the JSON reader gives up; we would not walk such a tree either. */
			sg_err_set(err, SG_CLASS_POLICY, "the statement is nested too deeply to be judged");
			sg_err_hint(err, "Write it in smaller parts.");
			sg_parse_place(err, sql, length, 0);
			result = SG_PARSE_REFUSED;
		}
		sg_err_release(&cause);
	}
	free(job.text);
	free(job.message);
	free(copy);
	return result;
}

enum sg_parse_result sg_parse(const char *sql, size_t length, struct sg_json **tree_r, struct sg_err *err)
{
	return parse(sql, length, false, tree_r, err);
}

enum sg_parse_result sg_parse_plpgsql(const char *sql, size_t length, struct sg_json **tree_r, struct sg_err *err)
{
	return parse(sql, length, true, tree_r, err);
}
