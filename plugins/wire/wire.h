/* wire.h - frames and fields: what the host and a plugin's process say to each other.
 *
 * A SOCK_STREAM socket pair carries frames: u32 payload length, u32 type, u32
 * sequence number, then the payload, all little-endian. The plugin's frames are
 * numbered from 1; an answer bears the number of the request it answers. What
 * the host sends unasked (SETUP, CALL, LEAVE) bears 0.
 *
 * Fields: u32; i64; bytes = u32 length (or NULL_LENGTH), the bytes, a NUL that
 * does not count, so that a reader may use them in place as a C string; values
 * of a result = varint length + 1 (0 is NULL), the bytes, a NUL.
 *
 * Everything here is pure (no descriptor, no clock, no log), depends on libc
 * alone, and trusts no byte: a decoder accepts exactly what an encoder writes. */
#ifndef SG_WIRE_H
#define SG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised with any change below; both sides must have the same. */
#define SG_WIRE_VERSION 2u
#define SG_WIRE_HEADER 12u
#define SG_WIRE_NULL_LENGTH UINT32_C(0xFFFFFFFF)

/* Limits of a payload. A request: a statement (1 MiB at most) with parameters.
 * An answer: 16 MiB of values, their lengths and NULs. */
#define SG_WIRE_MAX_REQUEST ((size_t)18 << 20)
#define SG_WIRE_MAX_ANSWER ((size_t)64 << 20)

/*        enumerator              number name          payload                                                      */
#define SG_WIRE_MAP(X) \
	/* host -> plugin process */                                                                                     \
	X(SG_WIRE_SETUP,               1, "setup")       /* u32 wire version, host's pid, sandbox, CPU seconds, count; path; libraries */ \
	X(SG_WIRE_CALL,                2, "call")        /* u32 entry; u32 pairs, key and value each; u32 nkeys, firsts, lasts; i64 number, limit */ \
	X(SG_WIRE_LEAVE,               3, "leave")       /* nothing: end with exit status 0 */                           \
	X(SG_WIRE_ANSWER_INT,          4, "integer")     /* i64 */                                                       \
	X(SG_WIRE_ANSWER_TEXT,         5, "text")        /* bytes or NULL */                                             \
	X(SG_WIRE_ANSWER_ROWS,         6, "rows")        /* u32 rows, columns; names; values row by row */               \
	/* plugin process -> host */                                                                                     \
	X(SG_WIRE_HELLO,              16, "hello")       /* see struct sg_wire_hello */                                  \
	X(SG_WIRE_REFUSED,            17, "refused")     /* u32 enum sg_refusal; two texts or NULLs */                   \
	X(SG_WIRE_FORBIDDEN,          18, "forbidden")   /* u32 number of the system call; its name or NULL */           \
	X(SG_WIRE_MISUSE,             19, "misuse")      /* text: a call with arguments that make no sense */            \
	X(SG_WIRE_TOO_BIG,            20, "too big")     /* text: the call; i64 what it had, i64 what is allowed; text: of what */ \
	X(SG_WIRE_DDL,                21, "ddl")         /* bytes */                                                     \
	X(SG_WIRE_DML,                22, "dml")         /* bytes; u32 count; values */                                  \
	X(SG_WIRE_QUERY,              23, "query")       /* bytes; u32 count; values */                                  \
	X(SG_WIRE_CHECK,              24, "check")       /* u32 what; text a; text b or NULL */                          \
	X(SG_WIRE_DESCRIBE,           25, "describe")    /* u32 what; text a; text b or NULL */                          \
	X(SG_WIRE_LOG,                26, "log")         /* bytes; no answer */                                          \
	X(SG_WIRE_PROGRESS,           27, "progress")    /* i64 done, total; no answer */                                \
	X(SG_WIRE_DONE,               28, "done")        /* i64 status; text of sg_fail or NULL */                       \
	X(SG_WIRE_EXISTS,             29, "exists")      /* as query; answered by an integer, 0 or 1 */

enum sg_wire_type {
#define X(enumerator, number, name) enumerator = number,
	SG_WIRE_MAP(X)
#undef X
};

/* "hello", …; "unknown" for what is none. */
const char *sg_wire_name(uint32_t type);

/* Why the plugin's process did not load the plugin. */
enum sg_refusal {
	SG_REFUSAL_VERSION = 1, /* sgrun and sgrun-plugin are of different versions */
	SG_REFUSAL_SANDBOX,     /* a: what the kernel does not give, b: why */
	SG_REFUSAL_ELF,         /* a: what is wrong with the file */
	SG_REFUSAL_NEEDED,      /* a: a library that it may not bring along */
	SG_REFUSAL_DLOPEN,      /* a: the dynamic loader's message */
	SG_REFUSAL_NO_INFO,     /* no sg_plugin; b: the dependency that has one, or NULL */
	SG_REFUSAL_NULL_INFO    /* sg_plugin() returned NULL */
};

/* Entry points, in the order of enum sg_entry (core/plugin/process.h). */
enum { SG_WIRE_FINGERPRINT, SG_WIRE_RUN, SG_WIRE_BATCH, SG_WIRE_ENTRIES };
enum sg_wire_found { SG_WIRE_ABSENT, SG_WIRE_OWN, SG_WIRE_BORROWED };

/* What is missing of the confinement, in a hello. */
#define SG_WIRE_NO_SECCOMP 1u
#define SG_WIRE_NO_LANDLOCK 2u
#define SG_WIRE_STILL_ROOT 4u

struct sg_wire_hello {
	uint32_t missing; /* SG_WIRE_NO_… */
	uint32_t size, magic, abi_major, abi_minor, kind, flags; /* as sg_plugin() has them */
	const char *id, *title, *table, *key; /* NULL where size, magic or ABI forbid a look */
	struct {
		uint32_t found;   /* enum sg_wire_found */
		const char *from; /* BORROWED: the object that it comes from */
	} entries[SG_WIRE_ENTRIES];
};

/* ---- writing ---------------------------------------------------------------- */

/* Frames, one after the other. Once failed (out of memory, or over limit) it
 * stays so and takes nothing more; no_memory tells which it was. */
struct sg_wire_out {
	unsigned char *data;
	size_t length, capacity;
	size_t frame; /* where the frame begins that is being written */
	size_t limit; /* of a payload */
	bool failed, no_memory;
};

void sg_wire_out_init(struct sg_wire_out *out, size_t limit);
void sg_wire_out_release(struct sg_wire_out *out);
/* Forgets content and failure; keeps up to 64 KiB of memory. */
void sg_wire_out_clear(struct sg_wire_out *out);
/* Removes the first n bytes (they were sent). */
void sg_wire_out_drop(struct sg_wire_out *out, size_t n);

void sg_wire_begin(struct sg_wire_out *out, enum sg_wire_type type, uint32_t seq);
/* 0, or -1 if this or an earlier step failed: what was begun is taken back. */
int sg_wire_end(struct sg_wire_out *out);
void sg_wire_put_u32(struct sg_wire_out *out, uint32_t value);
void sg_wire_put_i64(struct sg_wire_out *out, int64_t value);
void sg_wire_put_bytes(struct sg_wire_out *out, const void *bytes, size_t length);
void sg_wire_put_text(struct sg_wire_out *out, const char *text);  /* NULL is NULL */
void sg_wire_put_value(struct sg_wire_out *out, const char *text); /* NULL is NULL */
void sg_wire_put_hello(struct sg_wire_out *out, const struct sg_wire_hello *hello);

/* ---- reading ---------------------------------------------------------------- */

struct sg_wire_frame {
	uint32_t type, seq;
	const unsigned char *payload;
	size_t length;
};

/* Bytes as they arrive, in pieces of any size. Memory follows what arrived, not
 * what a header promises. */
struct sg_wire_in {
	unsigned char *data;
	size_t start, end, capacity;
	size_t limit; /* of a payload */
};

void sg_wire_in_init(struct sg_wire_in *in, size_t limit);
void sg_wire_in_release(struct sg_wire_in *in);
/* Where to read() to, and how much fits (never 0 unless whole frames wait to be
 * taken, or the header is bad). NULL when out of memory. Frames taken before
 * are no longer valid. */
unsigned char *sg_wire_room(struct sg_wire_in *in, size_t *room_r);
/* n bytes were read to there. */
void sg_wire_got(struct sg_wire_in *in, size_t n);
/* 1: a frame, valid until the next sg_wire_room; 0: more bytes are needed; -1:
 * the length is over the limit, and nothing after it can be read. */
int sg_wire_next(struct sg_wire_in *in, struct sg_wire_frame *frame_r);

/* Takes fields off a payload. After a field that is not there or not well
 * formed `bad` is set, and everything reads as 0 or NULL. */
struct sg_wire_fields {
	const unsigned char *at, *end;
	bool bad;
};

void sg_wire_fields_init(struct sg_wire_fields *fields, const struct sg_wire_frame *frame);
uint32_t sg_wire_get_u32(struct sg_wire_fields *fields);
int64_t sg_wire_get_i64(struct sg_wire_fields *fields);
/* NULL for NULL; else length_r bytes and a NUL. */
const char *sg_wire_get_bytes(struct sg_wire_fields *fields, size_t *length_r);
/* As bytes; a NUL inside is bad. */
const char *sg_wire_get_text(struct sg_wire_fields *fields);
/* A value of a result or a parameter; a NUL inside is bad. */
const char *sg_wire_get_value(struct sg_wire_fields *fields);
void sg_wire_get_hello(struct sg_wire_fields *fields, struct sg_wire_hello *hello_r);
/* True if all was well formed and nothing is left. */
bool sg_wire_complete(const struct sg_wire_fields *fields);

#endif
