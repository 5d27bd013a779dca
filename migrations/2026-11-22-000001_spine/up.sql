CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    framework TEXT NOT NULL,
    directory_id TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    regulatory_roles TEXT NOT NULL,
    risk_score BIGINT NOT NULL,
    sanctions_hit BOOLEAN NOT NULL,
    attestation TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (framework, directory_id)
);

CREATE TABLE agreements (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    reference TEXT NOT NULL,
    environments TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX agreements_by_organisation ON agreements (organisation_id, id);

CREATE TABLE api_products (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    audience TEXT NOT NULL,
    state TEXT NOT NULL,
    sunset BIGINT,
    created_at BIGINT NOT NULL
);

-- A scope belongs to one product: its name is the key.
CREATE TABLE product_scopes (
    scope TEXT NOT NULL PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES api_products (id),
    tier TEXT NOT NULL,
    max_token_seconds BIGINT NOT NULL
);
CREATE INDEX product_scopes_by_product ON product_scopes (product_id, scope);

CREATE TABLE agreement_products (
    agreement_id TEXT NOT NULL REFERENCES agreements (id),
    product_id TEXT NOT NULL REFERENCES api_products (id),
    PRIMARY KEY (agreement_id, product_id)
);
CREATE INDEX agreement_products_by_product ON agreement_products (product_id);

CREATE TABLE software_products (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    framework TEXT NOT NULL,
    software_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (framework, software_id)
);
CREATE INDEX software_products_by_organisation ON software_products (organisation_id, id);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    software_product_id TEXT NOT NULL REFERENCES software_products (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    metadata TEXT NOT NULL,
    software_statement TEXT NOT NULL,
    provenance TEXT NOT NULL,
    registration_access_token TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    state TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX clients_by_organisation ON clients (organisation_id, id);
CREATE INDEX clients_by_software_product ON clients (software_product_id, id);

CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    key_id TEXT,
    thumbprint TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (client_id, thumbprint)
);

CREATE TABLE entitlements (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    scope TEXT NOT NULL,
    product_id TEXT NOT NULL REFERENCES api_products (id),
    basis TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    review_due BIGINT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (client_id, scope)
);
CREATE INDEX entitlements_by_product ON entitlements (product_id);

CREATE TABLE resource_servers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    audience TEXT NOT NULL UNIQUE,
    secret_hash TEXT,
    jwks TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

CREATE TABLE one_time (
    key TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_by_end ON one_time (expires_at);

-- `predecessor` is unique, so that two nodes cannot both follow the same key.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private TEXT NOT NULL,
    predecessor TEXT UNIQUE,
    publish_at BIGINT NOT NULL,
    activate_at BIGINT NOT NULL,
    retire_at BIGINT,
    remove_at BIGINT
);

CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    items TEXT NOT NULL,
    facts_digest TEXT NOT NULL,
    policy_digest TEXT NOT NULL
);
CREATE INDEX decisions_by_subject ON decisions (subject_kind, subject_id, id);

CREATE TABLE audit_events (
    id TEXT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    reasons TEXT NOT NULL,
    policy_digest TEXT,
    request_id TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_events_by_object ON audit_events (object_kind, object_id, time, id);
CREATE INDEX audit_events_by_time ON audit_events (time, id);

-- One row. It rises with every change that a node may have cached.
CREATE TABLE change_sequence (
    id BIGINT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO change_sequence (id, value) VALUES (1, 0);

CREATE TABLE directory_organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    attributes TEXT NOT NULL
);

CREATE TABLE directory_software (
    id TEXT NOT NULL PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES directory_organisations (id),
    claims TEXT NOT NULL,
    jwks TEXT,
    jwks_uri TEXT
);
CREATE INDEX directory_software_by_organisation ON directory_software (organisation_id, id);
