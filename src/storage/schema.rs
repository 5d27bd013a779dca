//! What the migrations made, as diesel needs to know it.

diesel::table! {
    organisations (id) {
        id -> Text,
        framework -> Text,
        directory_id -> Text,
        legal_name -> Text,
        jurisdiction -> Text,
        regulatory_roles -> Text,
        risk_score -> BigInt,
        sanctions_hit -> Bool,
        attestation -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    agreements (id) {
        id -> Text,
        organisation_id -> Text,
        reference -> Text,
        environments -> Text,
        valid_from -> BigInt,
        valid_until -> BigInt,
        state -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    api_products (id) {
        id -> Text,
        name -> Text,
        audience -> Text,
        state -> Text,
        sunset -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    product_scopes (scope) {
        scope -> Text,
        product_id -> Text,
        tier -> Text,
        max_token_seconds -> BigInt,
    }
}

diesel::table! {
    agreement_products (agreement_id, product_id) {
        agreement_id -> Text,
        product_id -> Text,
    }
}

diesel::table! {
    software_products (id) {
        id -> Text,
        organisation_id -> Text,
        framework -> Text,
        software_id -> Text,
        name -> Text,
        state -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        software_product_id -> Text,
        organisation_id -> Text,
        metadata -> Text,
        software_statement -> Text,
        provenance -> Text,
        registration_access_token -> Text,
        policy_digest -> Text,
        state -> Text,
        issued_at -> BigInt,
        revision -> BigInt,
        last_used_at -> Nullable<BigInt>,
        unused_notified_at -> Nullable<BigInt>,
        unused_check_at -> Nullable<BigInt>,
        initial_access_token_id -> Nullable<Text>,
    }
}

diesel::table! {
    initial_access_tokens (id) {
        id -> Text,
        secret_hash -> Text,
        purpose -> Text,
        organisation_id -> Text,
        framework -> Nullable<Text>,
        scope -> Nullable<Text>,
        most_uses -> BigInt,
        uses -> BigInt,
        expires_at -> BigInt,
        state -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    registration_retries (key) {
        key -> Text,
        content -> Text,
        client_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    registration_rates (key) {
        key -> Text,
        busy_until -> BigInt,
    }
}

diesel::table! {
    credentials (id) {
        id -> Text,
        client_id -> Text,
        key_id -> Nullable<Text>,
        thumbprint -> Text,
        not_after -> BigInt,
        state -> Text,
        created_at -> BigInt,
        secret_hash -> Nullable<Text>,
        sealed_secret -> Nullable<Text>,
    }
}

diesel::table! {
    entitlements (id) {
        id -> Text,
        client_id -> Text,
        scope -> Text,
        product_id -> Text,
        basis -> Text,
        granted_at -> BigInt,
        expires_at -> BigInt,
        review_due -> BigInt,
        state -> Text,
    }
}

diesel::table! {
    resource_servers (id) {
        id -> Text,
        name -> Text,
        audience -> Text,
        secret_hash -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        metadata -> Text,
        sealed_secret -> Nullable<Text>,
        earlier_secret_hash -> Nullable<Text>,
        earlier_sealed_secret -> Nullable<Text>,
        earlier_secret_ends_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    revoked_tokens (jti) {
        jti -> Text,
        client_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    one_time (key) {
        key -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed_private -> Text,
        predecessor -> Nullable<Text>,
        publish_at -> BigInt,
        activate_at -> BigInt,
        retire_at -> Nullable<BigInt>,
        remove_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    decisions (id) {
        id -> Text,
        time -> BigInt,
        subject_kind -> Text,
        subject_id -> Text,
        items -> Text,
        facts_digest -> Text,
        policy_digest -> Text,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        time -> BigInt,
        actor_kind -> Text,
        actor_id -> Text,
        action -> Text,
        object_kind -> Text,
        object_id -> Text,
        reasons -> Text,
        policy_digest -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Text,
    }
}

diesel::table! {
    change_sequence (id) {
        id -> BigInt,
        value -> BigInt,
    }
}

diesel::table! {
    directory_organisations (id) {
        id -> Text,
        name -> Text,
        status -> Text,
        attributes -> Text,
    }
}

diesel::table! {
    directory_software (id) {
        id -> Text,
        organisation_id -> Text,
        claims -> Text,
        jwks -> Nullable<Text>,
        jwks_uri -> Nullable<Text>,
    }
}

diesel::joinable!(clients -> software_products (software_product_id));
diesel::joinable!(clients -> organisations (organisation_id));
diesel::allow_tables_to_appear_in_same_query!(clients, software_products, organisations);
