/* process.h - a plugin's process, seen from the host.
 *
 * start -> hello -> call -> { next -> answer }… -> next says DONE -> (call
 * again, backfills) -> finish. Whatever goes wrong is an error of class
 * SG_CLASS_REFUSED (loading), SG_CLASS_CRASH, SG_CLASS_TIMEOUT,
 * SG_CLASS_PROTOCOL or SG_CLASS_POLICY (a forbidden system call), after which
 * only sg_process_kill() is of use. A failed statement is never answered: the
 * caller rolls back and kills.
 *
 * The plugin's clock (limit_ms) runs only while the host waits for it. What it
 * writes to stdout and stderr is logged under the step's name, bounded. */
#ifndef SG_PROCESS_H
#define SG_PROCESS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/plugin/image.h"

struct sg_process;
struct sg_result; /* core/db/db.h */

enum sg_sandbox { SG_SANDBOX_REQUIRED, SG_SANDBOX_BEST_EFFORT, SG_SANDBOX_OFF };

/* What the manifest's section says; the hello is compared with it. */
struct sg_expected {
	const char *step;              /* id, for messages and logs */
	bool migration;                /* else a backfill (range or drain) */
	const char *const *libraries;  /* allowed besides libc and its kin */
	size_t library_count;
	enum sg_sandbox sandbox;
	int64_t limit_ms;              /* plugin_seconds */
	bool anything;                 /* whatever its kind and id are: they are what is asked; step is only a name for it */
};

/* What the plugin's sg_plugin() said, checked; texts are in the process's memory. */
struct sg_hello {
	uint32_t kind;      /* SG_KIND_… of plugin.h */
	uint32_t flags;
	const char *id, *title, *table, *key;
};

enum sg_entry { SG_ENTRY_FINGERPRINT, SG_ENTRY_RUN, SG_ENTRY_BATCH };

struct sg_process_batch { /* for SG_ENTRY_BATCH */
	size_t nkeys;
	const char *const *firsts, *const *lasts;
	int64_t number, limit;
};

enum sg_request_kind {
	SG_REQUEST_DDL, SG_REQUEST_DML, SG_REQUEST_QUERY, SG_REQUEST_EXISTS, SG_REQUEST_CHECK,
	SG_REQUEST_DESCRIBE, SG_REQUEST_DONE
};

/* Valid until the next call on the process. */
struct sg_request {
	enum sg_request_kind kind;
	const char *sql;           /* DDL, DML, QUERY, EXISTS: any bytes, NUL-terminated besides */
	size_t sql_length;
	int n;                     /* parameters (without NUL bytes) */
	const char *const *values;
	uint32_t what;             /* CHECK, DESCRIBE: SG_CHECK_… of plugin.h, known ones only */
	const char *a, *b;         /* b may be NULL */
	int64_t status;            /* DONE: what the entry point returned */
	const char *fail;          /* DONE: the text of sg_fail, or NULL */
};

/* Starts the process and returns at once: it confines itself and loads the
 * image while the host does other things (it may be started ahead). */
SG_MUST_CHECK int sg_process_start(struct sg_process **process_r, const struct sg_image *image,
                                   const struct sg_expected *expected, struct sg_err *err);
/* Waits until the plugin is loaded, and judges it; a second call answers at once. */
SG_MUST_CHECK int sg_process_hello(struct sg_process *process, struct sg_hello *hello_r, struct sg_err *err);
/* options: option.KEY pairs of the section (key, value, key, value, …). batch only for SG_ENTRY_BATCH. */
SG_MUST_CHECK int sg_process_call(struct sg_process *process, enum sg_entry entry, const char *const *options,
                                  size_t option_count, const struct sg_process_batch *batch, struct sg_err *err);
/* Waits for the plugin's next request. sg_log and sg_progress are dealt with inside. */
SG_MUST_CHECK int sg_process_next(struct sg_process *process, struct sg_request *request_r, struct sg_err *err);
/* Answers: DDL (SG_OK or SG_EXISTED), DML (rows), CHECK and EXISTS (0 or 1); DESCRIBE (text or NULL); QUERY. */
SG_MUST_CHECK int sg_process_answer_int(struct sg_process *process, int64_t value, struct sg_err *err);
SG_MUST_CHECK int sg_process_answer_text(struct sg_process *process, const char *text, struct sg_err *err);
SG_MUST_CHECK int sg_process_answer_rows(struct sg_process *process, const struct sg_result *result,
                                         struct sg_err *err);
/* Tells the plugin to leave, and waits: exit status 0 within the deadline, or an error. Frees the process. */
SG_MUST_CHECK int sg_process_finish(struct sg_process *process, struct sg_err *err);
/* Kills, reaps and frees; NULL is allowed. */
void sg_process_kill(struct sg_process *process);
/* Called every 50 ms while the host waits for the plugin; true = give up (a signal): SG_CLASS_INTERRUPTED. */
void sg_process_on_wait(struct sg_process *process, bool (*stop)(void *), void *context);
/* What the plugin's own work has taken since the call, without its SQL. */
int64_t sg_process_spent_ms(const struct sg_process *process);
/* Called for sg_progress. */
void sg_process_on_progress(struct sg_process *process, void (*progress)(void *, int64_t done, int64_t total),
                            void *context);

#endif
