-- Revert shop:roles from pg
SELECT 1;
