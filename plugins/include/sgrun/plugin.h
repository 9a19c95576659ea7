/* <sgrun/plugin.h> - what a migration or a backfill of sgrun is compiled against.
 *
 * A plugin is a shared object that exports sg_plugin, fingerprint and either
 * run (a migration) or backfill_batch (a backfill). It holds no connection: each
 * call below goes to the host, which checks it, sends it, and retries the whole
 * step where that may help. A call either succeeds or never returns, so a plugin
 * has no error handling: after a failure the host rolls back and ends the
 * plugin's process. sgrun-plugin(3) is the manual.
 *
 * Clean as C99 (pedantic) and as C++11 and later.
 *
 * ABI 1.1. Compatible additions raise SG_ABI_MINOR and go to the end of
 * struct sg_api; anything else raises SG_ABI_MAJOR. */
#ifndef SGRUN_PLUGIN_H
#define SGRUN_PLUGIN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

#define SG_ABI_MAJOR 1
#define SG_ABI_MINOR 1
/* A plugin that is to load in an older sgrun defines this before the include,
 * and uses nothing newer. */
#ifndef SG_USE_ABI_MINOR
#define SG_USE_ABI_MINOR SG_ABI_MINOR
#endif
#define SG_PLUGIN_MAGIC UINT32_C(0x53475231) /* "SGR1" */

#if defined(__GNUC__)
#define SG_EXPORT __attribute__((visibility("default")))
#define SG_FORMAT_(f, a) __attribute__((format(printf, f, a)))
#else
#define SG_EXPORT
#define SG_FORMAT_(f, a)
#endif

/* ---- limits, enforced by the host ---------------------------------------- */
#define SG_MAX_STATEMENT (64 * 1024)        /* bytes of a statement … */
#define SG_MAX_FUNCTION (1024 * 1024)       /* … that defines a function or procedure, or is a DO block */
#define SG_MAX_RESULT (16 * 1024 * 1024)    /* bytes of a result */
#define SG_MAX_PARAMETERS 65535
#define SG_MAX_LOG_LINE (8 * 1024)
#define SG_MAX_ID 200                       /* bytes of an id */
#define SG_MAX_KEYS 16                      /* columns of a backfill's key */

/* ---- what run() returns; sg_ddl() returns SG_OK or SG_EXISTED ------------- */
#define SG_OK 0
#define SG_FAILED 1  /* with the text of sg_fail */
#define SG_EXISTED 2 /* sg_ddl only: the object was there already, and is as wanted */

/* ---- kinds and flags ------------------------------------------------------ */
#define SG_KIND_MIGRATION UINT32_C(1)
#define SG_KIND_BACKFILL UINT32_C(2)
#define SG_KIND_DRAIN UINT32_C(3)
/* Migration: its one statement is one that PostgreSQL does not allow in a transaction. */
#define SG_NO_TRANSACTION UINT32_C(1)
/* Backfill: its WHERE leaves out rows already done, so rows may be given to it again. */
#define SG_REPEATABLE UINT32_C(2)

/* What sg_plugin() returns: static, size first, no padding. */
typedef struct sg_plugin_info {
	uint32_t size;
	uint32_t magic;
	uint16_t abi_major;
	uint16_t abi_minor;
	uint32_t kind;
	uint32_t flags;
	uint32_t reserved;
	const char *id;    /* what the ledger records; equal to the manifest's */
	const char *title; /* one line for people */
	const char *table; /* backfills: the table that it changes, else NULL */
	const char *key;   /* range backfills: key columns, separated by commas, else NULL */
} sg_plugin_info;

/* One batch of a backfill. */
typedef struct sg_batch {
	uint32_t size;             /* of this struct, as the host knows it */
	uint32_t nkeys;            /* columns of the key; 0 in drain mode */
	const char *const *firsts; /* the batch's lowest key, a value a column … */
	const char *const *lasts;  /* … and its highest; both ends are included */
	const char *first;         /* = firsts[0] */
	const char *last;          /* = lasts[0] */
	int64_t number;            /* of this batch, from 1 */
	int64_t limit;             /* rows to aim for (drain mode: LIMIT) */
} sg_batch;

typedef struct sg_ctx sg_ctx;
typedef struct sg_result sg_result; /* of sg_query; lives until the entry point returns */

/* The host's functions. Never call these members: use the sg_… functions below. */
typedef struct sg_api {
	uint32_t size;
	uint16_t abi_major;
	uint16_t abi_minor;
	/* ABI 1.0 */
	int (*ddl)(sg_ctx *sg, const char *sql);
	int (*ddlf)(sg_ctx *sg, const char *format, va_list args);
	int64_t (*dml)(sg_ctx *sg, const char *sql, int n, const char *const *values);
	sg_result *(*query)(sg_ctx *sg, const char *sql, int n, const char *const *values);
	int (*rows)(const sg_result *result);
	int (*columns)(const sg_result *result);
	const char *(*value)(const sg_result *result, int row, int column);
	int (*column)(const sg_result *result, const char *name);
	int (*check)(sg_ctx *sg, uint32_t what, const char *a, const char *b);
	const char *(*describe)(sg_ctx *sg, uint32_t what, const char *a, const char *b);
	const char *(*option)(sg_ctx *sg, const char *key);
	void (*log)(sg_ctx *sg, const char *format, va_list args);
	void (*progress)(sg_ctx *sg, int64_t done, int64_t total);
	int (*fail)(sg_ctx *sg, const char *format, va_list args);
	/* ABI 1.1 */
	int (*exists)(sg_ctx *sg, const char *sql, int n, const char *const *values);
} sg_api;

struct sg_ctx {
	const sg_api *api;
};

/* What check() and describe() can be asked; part of the ABI. */
#define SG_CHECK_TABLE UINT32_C(1)
#define SG_CHECK_COLUMN UINT32_C(2)
#define SG_CHECK_INDEX UINT32_C(3)
#define SG_CHECK_CONSTRAINT UINT32_C(4)
#define SG_CHECK_TYPE UINT32_C(5)
#define SG_CHECK_ENUM_VALUE UINT32_C(6)
#define SG_CHECK_FUNCTION UINT32_C(7)
#define SG_CHECK_TRIGGER UINT32_C(8)
#define SG_CHECK_VIEW UINT32_C(9)
#define SG_CHECK_SEQUENCE UINT32_C(10)
#define SG_CHECK_SCHEMA UINT32_C(11)
#define SG_CHECK_EXTENSION UINT32_C(12)
#define SG_CHECK_POLICY UINT32_C(13)
#define SG_DESCRIBE_COLUMN_TYPE UINT32_C(101)
#define SG_DESCRIBE_CONSTRAINT UINT32_C(102)

/* ---- the entry points that a plugin defines -------------------------------- */
SG_EXPORT const sg_plugin_info *sg_plugin(void); /* written by the macros below */
/* 1: what this step does is already there (a backfill: no row is left to do); 0: it is not. Reads only. */
SG_EXPORT int fingerprint(sg_ctx *sg);
/* Migrations: the DDL. SG_OK, or the result of sg_fail(). */
SG_EXPORT int run(sg_ctx *sg);
/* Backfills: one batch, inside the host's transaction; returns the rows changed. */
SG_EXPORT int64_t backfill_batch(sg_ctx *sg, const sg_batch *batch);

#define SG_PLUGIN_(kind_, flags_, id_, title_, table_, key_)                                     \
	SG_EXPORT const sg_plugin_info *sg_plugin(void)                                          \
	{                                                                                        \
		static const sg_plugin_info info = {                                             \
			(uint32_t)sizeof(sg_plugin_info), SG_PLUGIN_MAGIC, SG_ABI_MAJOR,         \
			SG_USE_ABI_MINOR, (kind_), (flags_), 0, (id_), (title_), (table_), (key_) \
		};                                                                               \
		return &info;                                                                    \
	}                                                                                        \
	struct sg_takes_the_semicolon_

#define SG_MIGRATION(id, title) SG_PLUGIN_(SG_KIND_MIGRATION, 0, id, title, NULL, NULL)
#define SG_MIGRATION_X(id, title, flags) SG_PLUGIN_(SG_KIND_MIGRATION, flags, id, title, NULL, NULL)
#define SG_BACKFILL(id, title, table, key) SG_PLUGIN_(SG_KIND_BACKFILL, 0, id, title, table, key)
#define SG_BACKFILL_X(id, title, table, key, flags) SG_PLUGIN_(SG_KIND_BACKFILL, flags, id, title, table, key)
#define SG_DRAIN(id, title) SG_PLUGIN_(SG_KIND_DRAIN, 0, id, title, NULL, NULL)

#ifndef SG_HOST_SIDE /* sgrun itself wants the constants and structs only */

/* ---- what a plugin may call ------------------------------------------------
 * fingerprint: sg_query, sg_exists, sg_scalar, the checks. run: these and
 * sg_ddl, sg_ddlf. backfill_batch: these and sg_dml. Anything else ends the
 * step as a policy error. Names may be schema-qualified; an unqualified one is
 * looked up in the manifest's schema. */

/* One DDL statement. SG_OK, or SG_EXISTED where it made exactly one object that
 * was there already and is as wanted; else it does not return. */
static inline int sg_ddl(sg_ctx *sg, const char *sql)
{
	return sg->api->ddl(sg, sql);
}

/* As sg_ddl, with %I (identifier, quoted), %L (literal, quoted; NULL becomes
 * NULL), %s (as it is) and %%; each takes a const char *. */
static inline int sg_ddlf(sg_ctx *sg, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = sg->api->ddlf(sg, format, args);
	va_end(args);
	return status;
}

/* One INSERT, UPDATE, DELETE or MERGE with parameters $1 … $n; returns the rows changed. */
static inline int64_t sg_dml(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	return sg->api->dml(sg, sql, n, values);
}

/* One SELECT with parameters. */
static inline sg_result *sg_query(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	return sg->api->query(sg, sql, n, values);
}

/* The parameters of a call: SG_ARGS(a, b) or SG_NOARGS. A NULL element is SQL's NULL. */
#ifdef __cplusplus
#define SG_ARGS(...)                                                                  \
	static_cast<int>(std::initializer_list<const char *>({__VA_ARGS__}).size()),  \
		std::initializer_list<const char *>({__VA_ARGS__}).begin()
#define SG_NOARGS 0, nullptr
#else
#define SG_ARGS(...)                                                              \
	(int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)), \
		(const char *const[]){ __VA_ARGS__ }
#define SG_NOARGS 0, NULL
#endif

static inline int sg_rows(sg_ctx *sg, const sg_result *result)
{
	return sg->api->rows(result);
}

static inline int sg_columns(sg_ctx *sg, const sg_result *result)
{
	return sg->api->columns(result);
}

/* The value as PostgreSQL's text, or NULL for SQL's NULL; rows and columns count from 0. */
static inline const char *sg_value(sg_ctx *sg, const sg_result *result, int row, int column)
{
	return sg->api->value(result, row, column);
}

/* The number of the column of that name, or -1. */
static inline int sg_column(sg_ctx *sg, const sg_result *result, const char *name)
{
	return sg->api->column(result, name);
}

/* The value as an integer; `otherwise` for NULL and for what is no integer of that size. */
static inline int64_t sg_value_int(sg_ctx *sg, const sg_result *result, int row, int column, int64_t otherwise)
{
	const char *text = sg->api->value(result, row, column);
	uint64_t limit = UINT64_C(9223372036854775807), value = 0;
	int negative = 0;

	if (text == NULL)
		return otherwise;
	if (*text == '-') {
		negative = 1;
		limit++;
		text++;
	}
	if (*text == '\0')
		return otherwise;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(unsigned char)*text - '0';

		if (digit > 9 || value > (limit - digit) / 10)
			return otherwise;
		value = value * 10 + digit;
	}
	return negative ? (int64_t)(UINT64_C(0) - value) : (int64_t)value;
}

/* 1 for "t", 0 for "f", `otherwise` for NULL and anything else. */
static inline int sg_value_bool(sg_ctx *sg, const sg_result *result, int row, int column, int otherwise)
{
	const char *text = sg->api->value(result, row, column);

	if (text == NULL || text[0] == '\0' || text[1] != '\0')
		return otherwise;
	return text[0] == 't' ? 1 : text[0] == 'f' ? 0 : otherwise;
}

/* 1 if the query gives at least one row, else 0. With ABI 1.1 the server stops at the first row. */
static inline int sg_exists(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
#if SG_USE_ABI_MINOR >= 1
	return sg->api->exists(sg, sql, n, values);
#else
	return sg->api->rows(sg->api->query(sg, sql, n, values)) > 0;
#endif
}

/* The first column of the first row as text; NULL for SQL's NULL and for no row. */
static inline const char *sg_scalar(sg_ctx *sg, const char *sql, int n, const char *const *values)
{
	sg_result *result = sg->api->query(sg, sql, n, values);

	return sg->api->rows(result) > 0 ? sg->api->value(result, 0, 0) : NULL;
}

/* The checks: 1 or 0. */
static inline int sg_table_exists(sg_ctx *sg, const char *table)
{
	return sg->api->check(sg, SG_CHECK_TABLE, table, NULL);
}

static inline int sg_column_exists(sg_ctx *sg, const char *table, const char *column)
{
	return sg->api->check(sg, SG_CHECK_COLUMN, table, column);
}

/* A valid and ready index of that name. */
static inline int sg_index_exists(sg_ctx *sg, const char *index)
{
	return sg->api->check(sg, SG_CHECK_INDEX, index, NULL);
}

static inline int sg_constraint_exists(sg_ctx *sg, const char *table, const char *constraint)
{
	return sg->api->check(sg, SG_CHECK_CONSTRAINT, table, constraint);
}

static inline int sg_type_exists(sg_ctx *sg, const char *type)
{
	return sg->api->check(sg, SG_CHECK_TYPE, type, NULL);
}

static inline int sg_enum_value_exists(sg_ctx *sg, const char *type, const char *value)
{
	return sg->api->check(sg, SG_CHECK_ENUM_VALUE, type, value);
}

/* A function or procedure; "name" = of any arguments, "name(int, text)" = of these. */
static inline int sg_function_exists(sg_ctx *sg, const char *function)
{
	return sg->api->check(sg, SG_CHECK_FUNCTION, function, NULL);
}

static inline int sg_trigger_exists(sg_ctx *sg, const char *table, const char *trigger)
{
	return sg->api->check(sg, SG_CHECK_TRIGGER, table, trigger);
}

/* A view or materialized view. */
static inline int sg_view_exists(sg_ctx *sg, const char *view)
{
	return sg->api->check(sg, SG_CHECK_VIEW, view, NULL);
}

static inline int sg_sequence_exists(sg_ctx *sg, const char *sequence)
{
	return sg->api->check(sg, SG_CHECK_SEQUENCE, sequence, NULL);
}

static inline int sg_schema_exists(sg_ctx *sg, const char *schema)
{
	return sg->api->check(sg, SG_CHECK_SCHEMA, schema, NULL);
}

static inline int sg_extension_exists(sg_ctx *sg, const char *extension)
{
	return sg->api->check(sg, SG_CHECK_EXTENSION, extension, NULL);
}

static inline int sg_policy_exists(sg_ctx *sg, const char *table, const char *policy)
{
	return sg->api->check(sg, SG_CHECK_POLICY, table, policy);
}

/* The type as format_type() writes it ("character varying(255)"), or NULL. */
static inline const char *sg_column_type(sg_ctx *sg, const char *table, const char *column)
{
	return sg->api->describe(sg, SG_DESCRIBE_COLUMN_TYPE, table, column);
}

/* The definition as pg_get_constraintdef() writes it, or NULL. */
static inline const char *sg_constraint_def(sg_ctx *sg, const char *table, const char *constraint)
{
	return sg->api->describe(sg, SG_DESCRIBE_CONSTRAINT, table, constraint);
}

/* The value of `option.KEY` in this step's manifest section, or NULL. */
static inline const char *sg_option(sg_ctx *sg, const char *key)
{
	return sg->api->option(sg, key);
}

/* A line in sgrun's log. */
SG_FORMAT_(2, 3) static inline void sg_log(sg_ctx *sg, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sg->api->log(sg, format, args);
	va_end(args);
}

/* How far this step is; total 0 = unknown. */
static inline void sg_progress(sg_ctx *sg, int64_t done, int64_t total)
{
	sg->api->progress(sg, done, total);
}

/* Says why the step fails; `return sg_fail(sg, "…");`. Whatever run() returns after it, the step has failed. */
SG_FORMAT_(2, 3) static inline int sg_fail(sg_ctx *sg, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)sg->api->fail(sg, format, args);
	va_end(args);
	return SG_FAILED;
}

#endif /* SG_HOST_SIDE */

#ifdef __cplusplus
}
#endif

#endif
