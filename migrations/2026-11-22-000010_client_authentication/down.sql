ALTER TABLE resource_servers DROP COLUMN certificate_subject;
ALTER TABLE credentials DROP COLUMN sealed_secret;
ALTER TABLE credentials DROP COLUMN secret_hash;
