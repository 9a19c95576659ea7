/* 0090_receipts_source.c - where a receipt came from, and the check of 0084.
 *
 * A receipt is entered by hand, or brought by one run of the synchronisation;
 * receipts.sync_run_id says which. The foreign key is NOT VALID: the column has
 * just been made, all of it is NULL, and there is nothing to look for. (It binds
 * new rows from now on, like any other.) 'manual' is the truth for most of the
 * old receipts, so it can be the constant default; the backfill of 90 finds the
 * rest by their external_id.
 *
 * VALIDATE first: it is the slow statement, under the weakest lock. */
#include "crm.h"

SG_MIGRATION("0090_receipts_source", "source of receipts, currency checked");

int fingerprint(sg_ctx *sg)
{
	return constraint_is_valid(sg, "receipts", "receipts_currency_check")
		&& column_is(sg, "receipt_sync_runs", "receipts_seen", "integer")
		&& column_is(sg, "receipts", "source", "character varying(20)")
		&& column_is(sg, "receipts", "sync_run_id", "integer")
		&& constraint_says(sg, "receipts", "receipts_sync_run_id_fkey",
		                   "FOREIGN KEY (sync_run_id) REFERENCES receipt_sync_runs(id)");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE receipts VALIDATE CONSTRAINT receipts_currency_check");
	sg_ddl(sg, "ALTER TABLE receipt_sync_runs ADD COLUMN receipts_seen integer NOT NULL DEFAULT 0");
	sg_ddl(sg, "ALTER TABLE receipts ADD COLUMN source varchar(20) NOT NULL DEFAULT 'manual'");
	sg_ddl(sg, "ALTER TABLE receipts ADD COLUMN sync_run_id integer");
	sg_ddl(sg, "ALTER TABLE receipts ADD CONSTRAINT receipts_sync_run_id_fkey"
	           " FOREIGN KEY (sync_run_id) REFERENCES receipt_sync_runs (id) ON DELETE SET NULL NOT VALID");
	return SG_OK;
}
