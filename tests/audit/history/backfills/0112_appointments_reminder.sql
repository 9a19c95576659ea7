-- Update existing rows so that the reminder job finds them
ALTER TABLE appointments ADD COLUMN reminder_at timestamptz;
UPDATE appointments SET reminder_at = starts_at - interval '1 day' WHERE reminder_at IS NULL AND status = 'booked';
