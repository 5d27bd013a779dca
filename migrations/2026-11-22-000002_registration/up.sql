-- When a client was last used, and when somebody must look whether it still is.
ALTER TABLE clients ADD COLUMN last_used_at BIGINT;
ALTER TABLE clients ADD COLUMN unused_notified_at BIGINT;
ALTER TABLE clients ADD COLUMN unused_check_at BIGINT;
CREATE INDEX clients_by_unused_check ON clients (unused_check_at);
CREATE INDEX clients_by_unused_notice ON clients (id) WHERE unused_notified_at IS NOT NULL;

-- The initial access token that opened the door, if one did: its ceiling binds updates as well.
ALTER TABLE clients ADD COLUMN initial_access_token_id TEXT;

CREATE TABLE initial_access_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    framework TEXT,
    scope TEXT,
    most_uses BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX initial_access_tokens_by_organisation ON initial_access_tokens (organisation_id, id);

-- `key` is a hash over framework, software, presenter's key and Idempotency-Key.
CREATE TABLE registration_retries (
    key TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX registration_retries_by_end ON registration_retries (expires_at);
CREATE INDEX registration_retries_by_client ON registration_retries (client_id);

-- `busy_until` is in microseconds: each use moves it forward, and it may not run too far ahead.
CREATE TABLE registration_rates (
    key TEXT NOT NULL PRIMARY KEY,
    busy_until BIGINT NOT NULL
);
CREATE INDEX registration_rates_by_end ON registration_rates (busy_until);
