/* 0084_receipts_currency.c - receipts say their currency, tax rate and net amount.
 *
 * All three are NULL for the receipts that are there: only the backfill of 84
 * can know, from the business's country. So the application reads NULL as "the
 * business's own currency" until it is complete, and the columns stay nullable.
 *
 * The CHECK is a statement of its own, and NOT VALID: written inside ADD COLUMN
 * it would read every row under a lock that nobody passes. NULL satisfies a
 * CHECK, so it is true of the old rows anyway; 0090 has the server see to that. */
#include "crm.h"

SG_MIGRATION("0084_receipts_currency", "currency and tax of receipts");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "receipts", "currency", "character varying(3)")
		&& column_is(sg, "receipts", "vat_rate", "numeric(5,2)")
		&& column_is(sg, "receipts", "net_amount", "numeric(12,2)")
		&& constraint_says(sg, "receipts", "receipts_currency_check", "currency");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE receipts ADD COLUMN currency varchar(3)");
	sg_ddl(sg, "ALTER TABLE receipts ADD COLUMN vat_rate numeric(5,2)");
	sg_ddl(sg, "ALTER TABLE receipts ADD COLUMN net_amount numeric(12,2)");
	sg_ddl(sg, "ALTER TABLE receipts ADD CONSTRAINT receipts_currency_check"
	           " CHECK (currency ~ '^[A-Z]{3}$') NOT VALID");
	return SG_OK;
}
