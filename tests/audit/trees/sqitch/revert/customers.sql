-- Revert shop:customers from pg
SELECT 1;
