//! What a registration costs before anything is remembered: reading and verifying the statement,
//! binding the request, merging the two, checking the metadata (DESIGN §6).

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use divan::Bencher;
use divan::black_box;
use serde_json::json;

use countersign::jose::Algorithm;
use countersign::jose::JwkSet;
use countersign::jose::SigningKey;
use countersign::protocol::client::ClientMetadata;
use countersign::protocol::client::Supported;
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use countersign::protocol::discovery::Features;
use countersign::protocol::registration::RegistrationRequest;
use countersign::protocol::registration::SoftwareStatement;
use countersign::protocol::registration::StatementRules;
use countersign::protocol::registration::UnverifiedStatement;
use countersign::trust::Framework;
use countersign::trust::Presentation;
use countersign::trust::SHIPPED_DIRECTORY;
use countersign::trust::bind;
use countersign::trust::merge;
use countersign::types::Issuer;
use countersign::types::Timestamp;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];
const NOW: i64 = 1_800_000_000;

fn main() {
    divan::main();
}

struct Case {
    framework: Framework,
    rules: StatementRules,
    directory_keys: JwkSet,
    software_keys: JwkSet,
    statement: String,
    request: String,
    us: Issuer,
    now: Timestamp,
    supported: Supported,
}

impl Case {
    fn new(algorithm: Algorithm) -> Self {
        let key = || SigningKey::generate(algorithm).unwrap();
        let keys = |key: &SigningKey| JwkSet::parse(&json!({"keys": [key.public_jwk()]})).unwrap();
        let (directory, software) = (key(), key());
        let statement = directory.sign("JWT", &statement_claims()).unwrap();
        let request = json!({
            "iss": "software-1", "aud": "https://as.example", "iat": NOW, "exp": NOW + 60,
            "jti": "r1", "software_statement": statement, "scope": "accounts",
            "grant_types": ["client_credentials"],
            "redirect_uris": ["https://acme.example/a"],
        });
        let us = Issuer::parse("https://as.example").unwrap();
        let framework = Framework::parse("directory.toml", SHIPPED_DIRECTORY).unwrap();
        Self {
            rules: framework.statement_rules(&us),
            framework,
            directory_keys: keys(&directory),
            software_keys: keys(&software),
            request: software.sign("JWT", &request).unwrap(),
            statement,
            us,
            now: Timestamp::from_epoch(NOW).unwrap(),
            supported: Supported::of(&Features {
                registration: true,
                introspection: true,
                authorize_requests: true,
                revocation: true,
                dpop: false,
                resource_server_methods: Vec::new(),
                introspection_signing_algorithms: Vec::new(),
                authentication_methods: vec![ClientAuthenticationMethod::PrivateKeyJwt],
                mutual_tls: false,
                assertion_algorithms: ALGORITHMS.to_vec(),
            }),
        }
    }

    fn verify(&self) -> SoftwareStatement {
        let statement = UnverifiedStatement::parse(&self.statement).unwrap();
        statement.verify(&self.rules, &self.directory_keys, self.now).unwrap()
    }

    fn register(&self) -> ClientMetadata {
        let body = self.request.as_bytes();
        let request = RegistrationRequest::parse(Some("application/jwt"), body).unwrap();
        let unverified = request.software_statement().unwrap();
        let statement = unverified.verify(&self.rules, &self.directory_keys, self.now).unwrap();
        let facts = self.framework.facts(&statement).unwrap();
        let with = Presentation {
            framework: &self.framework,
            statement: &statement,
            facts: &facts,
            keys: &self.software_keys,
            certificate: None,
            stands: false,
            us: &self.us,
        };
        let bound = bind(request, with, self.now).unwrap();
        let merged = merge(&self.framework, &statement, &facts, &bound);
        merged.into_metadata(&self.framework, &self.supported).unwrap().0
    }
}

fn statement_claims() -> serde_json::Value {
    json!({
        "iss": "https://localhost:8445", "iat": NOW, "exp": NOW + 600, "jti": "s1",
        "software_id": "software-1", "software_client_name": "Acme Budget",
        "software_jwks_uri": "https://localhost:8445/software-1/jwks",
        "software_redirect_uris": ["https://acme.example/a", "https://acme.example/b"],
        "software_roles": ["AISP"], "scope": "accounts balances", "org_id": "acme",
        "org_name": "Acme", "org_status": "Active", "software_statement_status": "Active",
    })
}

/// Nothing but reading: what a forged statement costs before any key is used.
#[divan::bench]
fn read_a_statement(bencher: Bencher<'_, '_>) {
    let case = Case::new(Algorithm::Es256);
    bencher.bench(|| UnverifiedStatement::parse(black_box(&case.statement)).unwrap());
}

/// Reading, the signature, and every check of REG-S3 to S9.
#[divan::bench(args = ALGORITHMS)]
fn verify_a_statement(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let case = Case::new(algorithm);
    bencher.bench(|| black_box(case.verify()));
}

/// From the body to the metadata: two signatures and the merge.
#[divan::bench(args = ALGORITHMS)]
fn register(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let case = Case::new(algorithm);
    bencher.bench(|| black_box(case.register()));
}
