-- A secret is a credential: hashed where it is only compared, sealed where it makes codes.
ALTER TABLE credentials ADD COLUMN secret_hash TEXT;
ALTER TABLE credentials ADD COLUMN sealed_secret TEXT;

-- The subject of the certificate that a resource server authenticates with, as JSON.
ALTER TABLE resource_servers ADD COLUMN certificate_subject TEXT;
