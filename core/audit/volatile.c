/* volatile.c - see volatile.h. The lists are pg_proc.provolatile of 15 to 18; of what is not volatile only names that stand in
 * defaults are listed, since one that is not found is reported as unknown, which is no lie. */
#include "config.h"
#include "core/audit/volatile.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sql/tree.h"

/* Sorted. Of pg_catalog. */
static const char *const volatile_names[] = {
	"clock_timestamp", "current_query", "currval", "gen_random_uuid", "lastval", "lo_create", "nextval", "pg_notify",
	"pg_sleep", "pg_sleep_for", "random", "random_normal", "set_config", "setseed", "setval", "timeofday", "uuidv4", "uuidv7",
};

/* Sorted. Of extensions, in whatever schema: uuid-ossp, pgcrypto, and the usual makers of identifiers. */
static const char *const volatile_anywhere[] = {
	"gen_random_bytes", "gen_random_uuid", "gen_salt", "gen_ulid", "nanoid", "uuid_generate_v1", "uuid_generate_v1mc",
	"uuid_generate_v4", "uuid_generate_v6", "uuid_generate_v7",
};

/* Sorted. Of pg_catalog, immutable or stable. */
static const char *const fixed_names[] = {
	"abs", "age", "array_append", "array_cat", "array_fill", "array_length", "array_prepend", "array_remove",
	"array_replace", "array_to_json", "array_to_string", "ascii", "box", "btrim", "cardinality", "ceil", "ceiling",
	"char_length", "character_length", "chr", "circle", "concat", "concat_ws", "convert", "convert_from", "convert_to",
	"current_database", "current_schema", "current_schemas", "current_setting", "date", "date_bin",
	"date_part", "date_trunc", "daterange", "decode", "encode", "exp", "extract", "floor", "format", "get_byte",
	"hashtext", "inet_client_addr", "initcap", "int4range", "int8range", "json_build_array", "json_build_object",
	"json_object", "jsonb_build_array", "jsonb_build_object", "jsonb_object", "jsonb_set", "jsonb_strip_nulls",
	"justify_days", "justify_hours", "justify_interval", "left", "length", "ln", "log", "lower", "lpad", "ltrim",
	"make_date", "make_interval", "make_time", "make_timestamp", "make_timestamptz", "md5", "mod", "now", "num_nonnulls",
	"num_nulls", "numrange", "octet_length", "overlay", "pg_backend_pid", "pg_current_xact_id", "pi", "point", "position",
	"power", "quote_ident", "quote_literal", "regexp_match", "regexp_replace", "repeat", "replace", "reverse", "right",
	"round", "row_to_json", "rpad", "rtrim", "sha224", "sha256", "sha384", "sha512", "sign", "split_part", "sqrt",
	"statement_timestamp", "string_to_array", "strpos", "substr", "substring", "timezone", "to_char", "to_date", "to_hex",
	"to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp", "translate",
	"trim_array", "trunc", "tsrange", "tstzrange", "txid_current", "unistr", "upper", "uuid_generate_v3",
	"uuid_generate_v5", "uuid_nil", "version",
};

static int order(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

#define LISTED(name, list) (bsearch((name), (list), SG_COUNT(list), sizeof *(list), order) != NULL)

enum sg_volatility sg_volatility_of_function(const struct sg_model *model, struct sg_relation function)
{
	bool catalog = function.schema != NULL && strcmp(function.schema, "pg_catalog") == 0;
	const struct sg_model_routine *routine;

	/* A name that is not qualified is pg_catalog's first. */
	if ((catalog || function.schema == NULL) && LISTED(function.name, volatile_names))
		return SG_VOLATILITY_VOLATILE;
	if (catalog || (function.schema == NULL && LISTED(function.name, fixed_names)))
		return SG_VOLATILITY_FIXED;
	routine = sg_model_routine(model, function);
	if (routine != NULL)
		return routine->volatility == 'v' ? SG_VOLATILITY_VOLATILE : SG_VOLATILITY_FIXED;
	if (LISTED(function.name, volatile_anywhere))
		return SG_VOLATILITY_VOLATILE;
	return LISTED(function.name, fixed_names) ? SG_VOLATILITY_FIXED : SG_VOLATILITY_UNKNOWN;
}

static void look(const struct sg_model *model, const struct sg_json *node, enum sg_volatility *worst,
                 struct sg_relation *function_r)
{
	const struct sg_json *call = sg_json_is_object(node) ? sg_node_as(node, "FuncCall") : NULL;
	struct sg_relation function;

	if (call != NULL && sg_tree_names(sg_json_get(call, "funcname"), &function)) {
		enum sg_volatility volatility = sg_volatility_of_function(model, function);

		if (volatility > *worst) {
			*worst = volatility;
			*function_r = function;
		}
	}
	for (size_t i = 0; i < sg_json_count(node); i++)
		look(model, sg_json_at(node, i), worst, function_r);
	for (void *iter = sg_json_is_object(node) ? sg_json_next(node, NULL) : NULL; iter != NULL;
	     iter = sg_json_next(node, iter))
		look(model, sg_json_value(iter), worst, function_r);
}

enum sg_volatility sg_volatility_of(const struct sg_model *model, const struct sg_json *expression, struct sg_relation *function_r)
{
	enum sg_volatility worst = SG_VOLATILITY_FIXED;

	look(model, expression, &worst, function_r);
	return worst;
}
