/* baseline.c */
#include "config.h"
#include "core/audit/baseline.h"

bool sg_baseline_known(struct sg_baseline *baseline, const char *migration, const char *rule, const char *statement)
{
	(void)baseline;
	(void)migration;
	(void)rule;
	(void)statement;
	return false;
}
