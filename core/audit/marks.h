/* marks.h - what stands in comments: by which tool a file is written, which parts of it go up, and words for people.
 *
 * The tools look for their marks line by line, before any SQL is read: a mark inside of a string counts for them, and so it does
 * here. */
#ifndef SG_AUDIT_MARKS_H
#define SG_AUDIT_MARKS_H

#include "core/audit/migration.h"

struct sg_marks_part {
	size_t from, to;  /* bytes of the text, whole lines */
	bool whole;       /* one statement, whatever is inside (StatementBegin … StatementEnd) */
	bool environment; /* the tool puts in ${NAME} and $NAME everywhere (goose: ENVSUB ON) */
};

struct sg_marks {
	struct sg_marks_part *parts; /* those that go up, in order; without marks: one, all of the text */
	size_t count, capacity;
	bool no_transaction;         /* a mark says so */
};

/* GOOSE, DBMATE, or SQLX ("-- no-transaction" is its first line) by the marks in the beginning of a file; else PLAIN. */
enum sg_audit_layout sg_marks_layout(const char *head, size_t length);
/* Takes a text apart by the marks of that layout; layouts without marks give one part. In a PLAIN file the marks of tools
 * that have no layout of their own count: "-- +migrate Up" (sql-migrate), "-- +micrate Up", "-- rambler up",
 * "-- Up Migration" (node-pg-migrate), "-- !Ups" (Play), "-- //@UNDO" (MyBatis), "---- create above / drop below ----" (tern). */
void sg_marks_read(enum sg_audit_layout layout, const char *text, size_t length, struct sg_arena *arena,
                   struct sg_marks *marks_r);
/* Is this inside of a comment (without its signs) `sgrun: allow RULE[,RULE…] reason`? Adds one for each rule. */
bool sg_marks_allow(const char *inside, size_t length, int line, struct sg_arena *arena, struct sg_audit_allow **list,
                    size_t *count, size_t *capacity);
/* The first line of a comment (without its signs) that tells a person something: no ruler, licence, mark or template. At most 200
 * bytes, well-formed UTF-8. NULL: there is none. */
const char *sg_marks_say(const char *inside, size_t length, struct sg_arena *arena);

#endif
