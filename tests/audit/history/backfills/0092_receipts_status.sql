UPDATE receipts SET status = 'void' WHERE status = 'cancelled';
