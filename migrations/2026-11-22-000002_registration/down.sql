DROP TABLE registration_rates;
DROP TABLE registration_retries;
DROP TABLE initial_access_tokens;
DROP INDEX clients_by_unused_notice;
DROP INDEX clients_by_unused_check;
ALTER TABLE clients DROP COLUMN initial_access_token_id;
ALTER TABLE clients DROP COLUMN unused_check_at;
ALTER TABLE clients DROP COLUMN unused_notified_at;
ALTER TABLE clients DROP COLUMN last_used_at;
