/* class.c - lookups in the table of error classes, and the order of exit
 * statuses where a run has several causes. */
#include "core/base/class.h"

#include "core/base/base.h"

static const struct {
	const char *name;
	const char *text;
	int exit;
	bool retry;
} classes[] = {
#define X(enumerator, name, exit, retry, text) { name, text, exit, retry },
	SG_CLASS_MAP(X)
#undef X
};

const char *sg_class_name(enum sg_class class)
{
	SG_ASSERT((unsigned)class < SG_CLASS_COUNT);
	return classes[class].name;
}

const char *sg_class_text(enum sg_class class)
{
	SG_ASSERT((unsigned)class < SG_CLASS_COUNT);
	return classes[class].text;
}

int sg_class_exit(enum sg_class class)
{
	SG_ASSERT((unsigned)class < SG_CLASS_COUNT);
	return classes[class].exit;
}

bool sg_class_retries(enum sg_class class)
{
	SG_ASSERT((unsigned)class < SG_CLASS_COUNT);
	return classes[class].retry;
}

static int severity(int status)
{
	static const int order[] = { 0, 9, 3, 4, 5, 1, 8, 7, 6, 2, 70, 143, 130 };

	for (size_t i = 0; i < SG_COUNT(order); i++)
		if (order[i] == status)
			return (int)i;
	SG_BUG("unknown exit status");
}

int sg_exit_worse(int a, int b)
{
	return severity(a) >= severity(b) ? a : b;
}
