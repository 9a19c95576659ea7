-- Backfill of existing leads is done by the nightly job: UPDATE leads SET preferred_channel = ... WHERE it IS NULL
ALTER TABLE leads ADD COLUMN preferred_channel varchar(20);
