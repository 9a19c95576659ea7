-- Verify shop:roles on pg
SELECT 1;
