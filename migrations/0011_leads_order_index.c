/* 0011_leads_order_index.c - a place for each lead in its board's order.
 *
 * Adding a column with a constant default changes the catalogue only: since
 * PostgreSQL 11 the default is kept there and no row is touched, so this takes
 * milliseconds with 50 leads and with 50 million. A default that differs from
 * row to row (nextval(), random()) would rewrite the table under its lock.
 *
 * Every lead gets 0 here. That each should get its own number is work on rows,
 * and so not ours: backfill leads_order_index sets order_index = id where it is
 * 0, in batches, while the application goes on. Until it is done the application
 * sorts by (order_index, id). The first version of this migration did the UPDATE
 * right here, and the board was down for the eleven minutes it took. */
#include "crm.h"

SG_MIGRATION("0011_leads_order_index", "leads have an order on the board");

int fingerprint(sg_ctx *sg)
{
	return column_is(sg, "leads", "order_index", "integer") && column_not_null(sg, "leads", "order_index");
}

int run(sg_ctx *sg)
{
	sg_ddl(sg, "ALTER TABLE leads ADD COLUMN order_index integer NOT NULL DEFAULT 0");
	return SG_OK;
}
