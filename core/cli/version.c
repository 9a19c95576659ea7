/* version.c - the text of --version: what a report of a bug needs to say. */
#include "config.h"
#include "core/cli/version.h"

#include "core/sql/policy.h"
#include "plugins/include/sgrun/plugin.h"

void sg_version_text(struct sg_buf *out)
{
	sg_buf_addf(out, "%s\n", PACKAGE_VERSION_TEXT);
	sg_buf_addf(out, "plugin ABI %d.%d\n", SG_ABI_MAJOR, SG_ABI_MINOR);
	sg_buf_addf(out, "SQL grammar: PostgreSQL %s\n", sg_policy_grammar());
#ifdef SG_SANITIZED
	sg_buf_adds(out, "built with sanitizers: plugins have no memory limit, seccomp only logs; for tests only\n");
#endif
#ifdef SG_COVERAGE
	sg_buf_adds(out, "built for coverage: plugins have no memory limit, seccomp only logs; for tests only\n");
#endif
}
