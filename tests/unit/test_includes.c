/* The tree's two rules on includes: an outside library is included by one file
 * only, and calls go downwards only. */
#include "config.h"

#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "tests/kit/test.h"
#include "tests/kit/tmp.h"

/* ---- each outside library's header, and who includes it ----------------------- */

static struct door {
	const char *header; /* up to '>' or '/' it is the library's */
	const char *file;   /* the one file */
	int seen;
} doors[] = {
	{ "CUnit/", "tests/kit/test.c", 0 },      { "dlfcn.h", "plugins/process/load.c", 0 },
	{ "ini.h", "core/manifest/ini.c", 0 },    { "jansson.h", "core/base/json.c", 0 },
	{ "libpq-fe.h", "core/db/db.c", 0 },      { "pg_query.h", "core/sql/parse.c", 0 },
	{ "seccomp.h", "plugins/process/filter_make.c", 0 }, { "sha2.h", "core/base/hash.c", 0 },
};
#define DOORS (sizeof doors / sizeof doors[0])

/* ---- the layers: a folder may include those of a lower or its own rank -------- */

static const struct layer {
	const char *folder;
	int rank;
} layers[] = {
	{ "core/base/", 0 }, { "plugins/wire/", 0 }, { "plugins/include/", 0 },
	{ "core/db/", 1 },   { "core/manifest/", 1 }, { "core/sql/", 1 },
	{ "core/plugin/", 2 }, /* answers with the rows of a db result */
	{ "core/state/", 3 }, { "core/exec/", 4 },    { "core/backfill/", 5 },
	{ "core/index/", 5 },  { "core/audit/", 5 },   { "core/rehearse/", 5 },
	{ "core/scaffold/", 6 }, /* takes SQL as the audit reads it */
	{ "core/run/", 7 },   { "core/cli/", 8 },
};

static const struct layer *layer_of(const char *path)
{
	for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
		if (strncmp(path, layers[i].folder, strlen(layers[i].folder)) == 0)
			return &layers[i];
	return NULL;
}

static int files, edges;

static void judge_outside(const char *file, const char *header)
{
	for (size_t i = 0; i < DOORS; i++)
		if (strncmp(header, doors[i].header, strlen(doors[i].header)) == 0) {
			/* the tests look at a server with a connection of their own */
			if (strcmp(file, "tests/kit/sql.c") == 0)
				continue;
			T_EQ_STR(file, doors[i].file);
			doors[i].seen++;
		}
}

/* The same rank is allowed only within a folder: db knows nothing of sql. */
static void judge_ours(const char *file, const char *header)
{
	const struct layer *from = layer_of(file), *to = layer_of(header);

	if (from == NULL || to == NULL)
		return;
	edges++;
	if (to->rank > from->rank || (to->rank == from->rank && to != from && to->rank > 0))
		T_FAIL("%s includes %s: calls go downwards only", file, header);
}

static void read_file(const char *file)
{
	FILE *in = fopen(sg_test_source(file), "r");
	char line[512];

	T_MUST_NOT_NULL(in);
	files++;
	while (fgets(line, sizeof line, in) != NULL) {
		char header[256], *open = line + strlen("#include ");

		if (strncmp(line, "#include ", strlen("#include ")) != 0 || (*open != '<' && *open != '"'))
			continue;
		T_MUST_EQ_INT(sscanf(open + 1, "%255[^>\"]", header), 1);
		if (*open == '<')
			judge_outside(file, header);
		else
			judge_ours(file, header);
	}
	T_EQ_INT(fclose(in), 0);
}

static void walk(const char *folder)
{
	DIR *dir = opendir(sg_test_source(folder));
	const struct dirent *entry;

	T_MUST_NOT_NULL(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name, *dot = strrchr(name, '.'), *path;

		if (name[0] == '.')
			continue;
		path = sg_test_strf("%s/%s", folder, name);
		if (dot != NULL && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0))
			read_file(path);
		else if (dot == NULL && entry->d_type != DT_REG)
			walk(path);
	}
	T_EQ_INT(closedir(dir), 0);
}

SG_TEST(one_door_to_each_library)
{
	walk("core");
	walk("plugins");
	walk("tests/kit");
	for (size_t i = 0; i < DOORS; i++)
		if (doors[i].seen == 0)
			T_FAIL("nobody includes <%s>: has %s gone?", doors[i].header, doors[i].file);
}

SG_TEST(calls_go_downwards)
{
	walk("core");
	walk("plugins");
	T_GT_INT(files, 80);
	T_GT_INT(edges, 200);
}

/* ---- a test that is not built is none -------------------------------------------- */

SG_TEST(every_test_is_run)
{
	static const char *const patterns[] = { "tests/unit/*/test_*.c", "tests/db/test_*.c" };
	static const char *const lists[] = { "tests/local.mk", "tests/unit/plugin/local.mk" };
	const char *listed = "";
	size_t seen = 0;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		listed = sg_test_strf("%s%s", listed, sg_tmp_read(sg_test_source(lists[i])));
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		const char *pattern = sg_test_source(patterns[i]);
		size_t top = strlen(pattern) - strlen(patterns[i]);
		glob_t found;

		T_MUST_EQ_INT(glob(pattern, 0, NULL, &found), 0);
		for (size_t k = 0; k < found.gl_pathc; k++, seen++) {
			const char *file = found.gl_pathv[k] + top;
			const char *name = sg_test_strf("%.*s", (int)(strlen(file) - 2), file);
			const char *at = strstr(listed, name);

			while (at != NULL && strchr(" \n\\", at[strlen(name)]) == NULL)
				at = strstr(at + 1, name);
			sg_test_check(SG_HERE_, false, at != NULL, "%s is not built: no local.mk names it", file);
		}
		globfree(&found);
	}
	T_TRUE(seen > 100);
}

static const struct sg_test tests[] = { SG_CASE(one_door_to_each_library), SG_CASE(calls_go_downwards), SG_CASE(every_test_is_run), SG_CASES_END };
static const struct sg_suite suites[] = { { "includes", tests }, SG_SUITES_END };

int main(int argc, char **argv)
{
	return sg_test_main(argc, argv, suites);
}
