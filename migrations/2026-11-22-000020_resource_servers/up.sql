-- How a resource server authenticates and how it is answered: its metadata, as JSON.
ALTER TABLE resource_servers ADD COLUMN metadata TEXT NOT NULL
    DEFAULT '{"token_endpoint_auth_method":"client_secret_basic"}';
UPDATE resource_servers
    SET metadata = '{"token_endpoint_auth_method":"private_key_jwt","jwks":' || jwks || '}'
    WHERE secret_hash IS NULL AND jwks IS NOT NULL;

-- Sealed where it makes codes; and the one before, for as long as both are good.
ALTER TABLE resource_servers ADD COLUMN sealed_secret TEXT;
ALTER TABLE resource_servers ADD COLUMN earlier_secret_hash TEXT;
ALTER TABLE resource_servers ADD COLUMN earlier_sealed_secret TEXT;
ALTER TABLE resource_servers ADD COLUMN earlier_secret_ends_at BIGINT;

-- No release has read these.
ALTER TABLE resource_servers DROP COLUMN jwks;
ALTER TABLE resource_servers DROP COLUMN certificate_subject;
