/* quote.h - sg_ddlf's directives: %I identifier, %L literal, %s as it is, %%.
 *
 * Pure. What it quotes is right whatever standard_conforming_strings says. */
#ifndef SG_PROCESS_QUOTE_H
#define SG_PROCESS_QUOTE_H

#include <stdarg.h>
#include <stddef.h>

enum sg_quote { SG_QUOTED, SG_QUOTE_MISUSE, SG_QUOTE_TOO_BIG, SG_QUOTE_NO_MEMORY };

/* *text_r is for free(). MISUSE: *text_r says what is wrong, and is not to be freed. */
enum sg_quote sg_quote_format(const char *format, va_list args, size_t limit, char **text_r);

#endif
