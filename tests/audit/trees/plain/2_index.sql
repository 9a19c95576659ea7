/* ---------------------------------
 * Find leads by name
 * --------------------------------- */
-- sgrun: allow index.create_blocking the table is small
CREATE INDEX leads_name ON leads (name);
