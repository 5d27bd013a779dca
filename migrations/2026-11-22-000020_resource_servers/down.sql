ALTER TABLE resource_servers ADD COLUMN certificate_subject TEXT;
ALTER TABLE resource_servers ADD COLUMN jwks TEXT;
ALTER TABLE resource_servers DROP COLUMN earlier_secret_ends_at;
ALTER TABLE resource_servers DROP COLUMN earlier_sealed_secret;
ALTER TABLE resource_servers DROP COLUMN earlier_secret_hash;
ALTER TABLE resource_servers DROP COLUMN sealed_secret;
ALTER TABLE resource_servers DROP COLUMN metadata;
