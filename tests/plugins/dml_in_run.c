/* dml_in_run.c - run() that sends DML. */
#include <sgrun/plugin.h>

SG_MIGRATION("dml_in_run", "must not succeed");

int fingerprint(sg_ctx *sg)
{
	return sg_table_exists(sg, "dml_in_run");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "CREATE TABLE dml_in_run ()");
	sg_dml(sg, "DELETE FROM dml_in_run", SG_NOARGS);
	return SG_OK;
}
