/* migration.h - one migration as the audit sees it: statements in order, wherever they came from.
 *
 * Only the part that goes up counts. Texts live in the arena that the reader was given; nothing here is a tree: those
 * are made, one statement at a time, by whoever looks (audit.c), so that a file of many statements needs little memory. */
#ifndef SG_AUDIT_MIGRATION_H
#define SG_AUDIT_MIGRATION_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/manifest/manifest.h"

enum sg_audit_layout {
	SG_LAYOUT_PLAIN,          /* a .sql file of which nothing more is known; order: by name, digits as numbers */
	SG_LAYOUT_FLYWAY,         /* V12__x.sql in order of version, then R__x.sql; U12__x.sql is "down" */
	SG_LAYOUT_GOOSE,          /* -- +goose Up / Down, StatementBegin / StatementEnd, NO TRANSACTION, ENVSUB */
	SG_LAYOUT_DBMATE,         /* -- migrate:up [transaction:false] / -- migrate:down */
	SG_LAYOUT_GOLANG_MIGRATE, /* 000012_x.up.sql / .down.sql */
	SG_LAYOUT_DIESEL,         /* NNN_x/up.sql, down.sql; metadata.toml: run_in_transaction = false */
	SG_LAYOUT_SQLX,           /* 0012_x.sql, or .up.sql / .down.sql; first line "-- no-transaction" */
	SG_LAYOUT_PRISMA,         /* NNN_x/migration.sql */
	SG_LAYOUT_SQITCH,         /* sqitch.plan gives the order; deploy/x.sql; revert/ and verify/ do not count */
	SG_LAYOUT_MANIFEST        /* compiled plugins: the statements are of a journal */
};
const char *sg_audit_layout_name(enum sg_audit_layout layout); /* "flyway" */

/* `-- sgrun: allow RULE reason` on the line or lines above a statement (blank and comment lines between are fine). RULE is a
 * rule's id ("index.create_blocking"), a family ("index.*"), "dml" for a verdict, or a kind of DML ("bulk_update"). */
struct sg_audit_allow {
	const char *rule, *reason; /* reason "": none was given, and then it silences nothing (a finding of its own says so) */
	int line;
};

struct sg_audit_statement {
	const char *text;      /* ends with a NUL; without the semicolon, blanks and comments around it; comments inside stay */
	size_t length;
	int line, column;      /* of its first character, from 1, in bytes; 0: of a journal */
	const struct sg_audit_allow *allows;
	size_t allow_count;
	bool outside;          /* sent outside of any transaction, as far as the tool's own marks or the plugin say */
	size_t copy_rows;      /* COPY … FROM stdin: lines of data that followed it (they are no part of text) */
};

/* What the reader passed over, where it stood. */
struct sg_audit_passed {
	int line;
	const char *text;      /* its beginning, well-formed */
	const char *why;       /* for people: "a command of psql" */
	bool harmless;         /* a command of psql that changes nothing in the database (\echo, \set) */
};

struct sg_audit_migration {
	const char *id;        /* as the layout has it: "12", "20240101120000", "0096_lead_name" */
	const char *title;     /* "add leads name"; or NULL */
	const char *path;      /* of the file, as it was named or found; a manifest's: of the plugin's section */
	int line;              /* a manifest's: of the section; else 1 */
	enum sg_audit_layout layout;
	const struct sg_step *step; /* a manifest's; else NULL */
	bool transaction;      /* the tool runs it in one. SG_LAYOUT_PLAIN: true unless one of its statements cannot be in one */
	struct sg_audit_statement *statements;
	size_t count;
	size_t meta_commands;  /* psql's \commands that were passed over */
	size_t placeholders;   /* statements that were passed over for ${…}, {{…}}, :name, %(name)s in them */
	const struct sg_audit_passed *passed; /* in order of their lines */
	size_t passed_count;
	const char *comment;   /* the first comment of the file, one line, cut at 200 bytes: what it says it is for; or NULL */
	const struct sg_list *allow; /* `allow =` of the manifest; or NULL */
};

#endif
