/* load.c - see load.h. The file was read whole, and is cut by a lexer's rules: a statement that it should cut wrongly fails at
 * the server, and is named like any other that fails. */
#include "config.h"
#include "core/rehearse/load.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/db/script.h"
#include "core/sql/mask.h"

#define SAID 20    /* so many are told in the log */
#define KEPT 1000
#define SHOWN 120  /* bytes of a statement */
#define MOST_ROLES 8 /* that one statement may miss */

struct loading {
	struct sg_db *db;
	struct sg_arena *arena;
	struct sg_rehearsal *rehearsal;
	const char *name, *sql;
	size_t line_at;      /* offset up to which lines were counted */
	int line;
	size_t passed, failed;
	struct sg_err first; /* failure */
};

static enum sg_wait on_wait(void *context, int64_t elapsed_ms)
{
	(void)context;
	(void)elapsed_ms;
	return sg_stop_count() > 0 ? SG_WAIT_ABANDON : SG_WAIT_ON;
}

/* ---- what kind of statement? ------------------------------------------------------ */

/* Its first words, in small letters, with one blank between, at most so many bytes; comments stay where they are. */
static void first_words(const char *sql, size_t length, char words_r[64])
{
	size_t n = 0;

	memset(words_r, 0, 64);
	for (size_t i = 0; i < length && n < 63; i++) {
		if (!isspace((unsigned char)sql[i]))
			words_r[n++] = (char)tolower((unsigned char)sql[i]);
		else if (n > 0 && words_r[n - 1] != ' ')
			words_r[n++] = ' ';
	}
	words_r[n] = '\0';
}

static bool begins(const char *words, const char *const *list)
{
	for (; *list != NULL; list++) {
		size_t length = strlen(*list);

		if (strncmp(words, *list, length) == 0 && (words[length] == ' ' || words[length] == '\0' || words[length] == ';'))
			return true;
	}
	return false;
}

static bool is_passed_over(const char *words)
{
	static const char *const list[] = { "begin", "start transaction", "commit", "end", "rollback", "create database",
		                            "alter database", "drop database", "set client_encoding", NULL };

	return begins(words, list);
}

/* With these the server of a rehearsal could speak to a real one. */
static bool leads_away(const char *words)
{
	static const char *const list[] = { "create user mapping", "alter user mapping", "create subscription",
		                            "alter subscription", NULL };

	return begins(words, list);
}

static bool is_setting(const char *words)
{
	static const char *const list[] = { "set", "reset", NULL };

	return begins(words, list);
}

/* COPY … FROM stdin: its rows follow in the file. */
static bool is_copy(const char *sql, size_t length, const char *words)
{
	static const char *const list[] = { "copy", NULL };

	if (!begins(words, list))
		return false;
	for (size_t i = 0; i + 5 <= length; i++)
		if (strncasecmp(sql + i, "stdin", 5) == 0)
			return true;
	return false;
}

/* Past the line "\." that ends them. */
static size_t skip_rows(const char *sql, size_t at)
{
	while (sql[at] != '\0') {
		at += strcspn(sql + at, "\n");
		at += sql[at] == '\n';
		if (sql[at] == '\\' && sql[at + 1] == '.' && (sql[at + 2] == '\n' || sql[at + 2] == '\r' || sql[at + 2] == '\0'))
			return at + 2;
	}
	return at;
}

/* ---- what is left out ------------------------------------------------------------- */

static int line_of(struct loading *loading, size_t at)
{
	for (; loading->line_at < at; loading->line_at++)
		loading->line += loading->sql[loading->line_at] == '\n';
	return loading->line;
}

static const char *shown(const char *masked, struct sg_arena *arena)
{
	size_t all = strlen(masked), length = all < SHOWN ? all : SHOWN;
	char *text;

	while (length > 0 && length < all && ((unsigned char)masked[length] & 0xC0) == 0x80)
		length--;
	text = sg_arena_strndup(arena, masked, length);
	for (char *c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return length < all ? sg_arena_printf(arena, "%s …", text) : text;
}

/* why: our own words, or the server's about this statement, which may repeat a secret of it. */
static void leave_out(struct loading *loading, size_t at, size_t end, const char *why)
{
	struct sg_rehearsal *rehearsal = loading->rehearsal;
	struct sg_arena scratch = SG_ARENA_INIT;
	const char *sql = sg_arena_strndup(&scratch, loading->sql + at, end - at), *masked = sg_sql_mask_secrets(&scratch, sql);
	const char *text = sg_arena_printf(loading->arena, "%s, line %d: %s: %s", loading->name, line_of(loading, at),
	                                   sg_sql_mask_quoted(&scratch, sql, masked, why), shown(masked, &scratch));

	sg_arena_release(&scratch);
	loading->failed++;
	if (loading->failed <= SAID)
		sg_log(SG_LOG_WARNING, "schema", NULL, 0, "left out: %s", text);
	if (rehearsal->left_out_count >= KEPT)
		return;
	rehearsal->left_out = sg_arena_grow(loading->arena, rehearsal->left_out, &rehearsal->left_out_capacity,
	                                    rehearsal->left_out_count + 1, sizeof *rehearsal->left_out);
	rehearsal->left_out[rehearsal->left_out_count++] = text;
}

/* ---- sending ------------------------------------------------------------------------ */

/* 'role "app" does not exist': whoever it is, nobody logs in here. */
static bool make_role(struct loading *loading, const struct sg_err *err)
{
	static const char start[] = "role \"", end[] = "\" does not exist";
	struct sg_err why = SG_ERR_INIT;
	size_t length = err->primary != NULL ? strlen(err->primary) : 0;
	const char *name;
	bool made;

	if (strcmp(err->sqlstate, "42704") != 0 || length < sizeof start - 1 + sizeof end - 1 ||
	    strncmp(err->primary, start, sizeof start - 1) != 0 || strcmp(err->primary + length - (sizeof end - 1), end) != 0)
		return false;
	name = sg_arena_strndup(loading->arena, err->primary + sizeof start - 1, length - (sizeof start - 1) - (sizeof end - 1));
	made = sg_db_query(loading->db,
	                   sg_arena_printf(loading->arena, "CREATE ROLE %s", sg_db_identifier(loading->arena, name)), 0, NULL,
	                   loading->arena, NULL, &why) == 0;
	sg_err_release(&why);
	return made;
}

/* What is kept of an error must show no secret of the statement. */
static void hide_secrets(struct sg_err *err, const char *sql, struct sg_arena *arena)
{
	const char *masked = sg_sql_mask_secrets(arena, sql);

	sg_err_statement(err, masked, err->position);
	if (err->primary != NULL)
		sg_err_primary(err, "%s", sg_sql_mask_quoted(arena, sql, masked, err->primary));
	if (err->detail != NULL)
		sg_err_detail(err, "%s", sg_sql_mask_quoted(arena, sql, masked, err->detail));
}

/* 0: done, or left out. */
static int send(struct loading *loading, size_t at, size_t end, const char *words, struct sg_err *err)
{
	struct sg_arena scratch = SG_ARENA_INIT;
	const char *sql = sg_arena_strndup(&scratch, loading->sql + at, end - at);
	int status;

	for (int roles = 0;; roles++) {
		status = sg_db_query(loading->db, sql, 0, NULL, &scratch, NULL, err);
		if (status == 0 || roles == MOST_ROLES || !make_role(loading, err))
			break;
		sg_err_clear(err);
	}
	if (status != 0)
		hide_secrets(err, sql, &scratch);
	sg_arena_release(&scratch);
	if (status == 0) {
		loading->passed += !is_setting(words);
		return 0;
	}
	if (sg_stop_count() > 0)
		return sg_stop_err(err);
	if (sg_db_lost(loading->db)) {
		sg_err_wrap(err, "%s, line %d", loading->name, line_of(loading, at));
		return -1;
	}
	/* a parameter of another version; "public" is there always */
	if (!is_setting(words) && strcmp(err->sqlstate, "42P06") != 0)
		leave_out(loading, at, end, sg_arena_printf(loading->arena, "%s%s%s", err->primary,
		                                            err->sqlstate[0] ? ", SQLSTATE " : "", err->sqlstate));
	if (loading->first.class == SG_CLASS_NONE)
		sg_err_move(&loading->first, err);
	sg_err_clear(err);
	return 0;
}

static int load(struct loading *loading, struct sg_err *err)
{
	const char *sql = loading->sql;
	size_t at = 0;

	while (sql[at = sg_script_begin(sql, at)] != '\0') {
		size_t end = sql[at] == '\\' ? at + strcspn(sql + at, "\n") : sg_script_end(sql, at);
		char words[64];

		if (sg_stop_count() > 0)
			return sg_stop_err(err);
		first_words(sql + at, end - at, words);
		if (sql[at] != '\\' && is_copy(sql + at, end - at, words)) {
			leave_out(loading, at, end, "rows are not loaded");
			end = skip_rows(sql, end);
		} else if (leads_away(words)) {
			leave_out(loading, at, end, "it would lead from here to another server");
		} else if (sql[at] != '\\' && !is_passed_over(words) && send(loading, at, end, words, err) != 0) {
			return -1;
		}
		at = end;
	}
	return 0;
}

int sg_schema_load(struct sg_db *db, const char *file, const char *name, struct sg_arena *arena,
                   struct sg_rehearsal *rehearsal, struct sg_err *err)
{
	struct loading loading = { .db = db, .arena = arena, .rehearsal = rehearsal, .name = name, .line = 1 };
	struct sg_arena text = SG_ARENA_INIT;
	char *sql;
	int status;

	status = sg_script_read("--schema-from", file, &text, &sql, err);
	if (status != 0) {
		err->class = SG_CLASS_STATE;
	} else {
		loading.sql = sql;
		sg_db_on_wait(db, on_wait, NULL);
		status = load(&loading, err);
	}
	if (status == 0 && loading.passed == 0 && loading.first.class != SG_CLASS_NONE) {
		sg_err_move(err, &loading.first);
		err->class = SG_CLASS_STATE;
		sg_err_wrap(err, "not one statement of %s could be run here", name);
		status = -1;
	}
	if (status == 0 && loading.failed > SAID)
		sg_log(SG_LOG_WARNING, "schema", NULL, 0, "left out: %zu statements of %s in all", loading.failed, name);
	sg_err_release(&loading.first);
	sg_arena_release(&text);
	return status;
}
