//! A bank of the load test's own: a server on the engine that is measured, with one API product, one
//! organisation, one agreement and a trust framework whose anchor is the driver.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::client::{self, Connection, Target};
use crate::server::Server;

/// What the framework calls the one organisation.
const ORGANISATION: &str = "load-partner";
/// The one scope: it waits for nobody.
pub(crate) const SCOPE: &str = "load:read";
const AUDIENCE: &str = "https://load.example";
const FRAMEWORK: &str = include_str!("framework.toml");
/// How many key pairs the software has between it. Making one takes longer than using it.
const KEYS: usize = 4;

/// The bank, its server, and the keys that the driver signs with.
pub(crate) struct House {
    pub(crate) server: Server,
    anchor: SigningKey,
    software: Vec<SigningKey>,
    resource_server: (String, String),
}

impl House {
    /// Makes development keys and settings by a walk of the demo, gives the server the database at
    /// `database` (its own file, if that is `None`), and sets up the bank.
    pub(crate) async fn open(program: &str, pinned: bool, database: Option<String>) -> Self {
        let mut server = Server::prepare(program, pinned, database);
        let anchor = SigningKey::generate(Algorithm::Ps256).expect("a key");
        let key = || SigningKey::generate(Algorithm::Ps256).expect("a key");
        let jwks = format!("{{ keys = [ {} ] }}", inline(&anchor.public_jwk()));
        let file = server.folder().join("frameworks").join("load.toml");
        std::fs::write(file, FRAMEWORK.replace("{JWKS}", &jwks)).expect("a framework");
        migrate(program, &server);
        server.serve();
        let resource_server = set_up(&server).await;
        Self { server, anchor, software: (0..KEYS).map(|_| key()).collect(), resource_server }
    }

    /// Where the server answers.
    pub(crate) fn target(&self) -> Target {
        Target::new(self.server.text("/issuer"), self.server.text("/ca_file"))
    }

    /// `count` registrations of different software products, each with a fresh statement.
    pub(crate) fn registrations(&self, name: &str, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| self.registration(&format!("{name}-{number}"))).collect()
    }

    fn registration(&self, software_id: &str) -> Vec<u8> {
        let now = epoch();
        let key = &self.software[software_id.len() % self.software.len()];
        let statement = json!({
            "iss": "load-anchor", "iat": now, "exp": now + 1700, "jti": software_id,
            "software_id": software_id, "software_client_name": "Load",
            "software_jwks": { "keys": [key.public_jwk()] },
            "software_redirect_uris": ["https://load.example/cb"],
            "software_roles": ["AISP"], "org_id": ORGANISATION, "org_status": "Active",
        });
        let request = json!({
            "iss": software_id, "aud": self.server.text("/issuer"), "iat": now, "exp": now + 1700,
            "jti": software_id, "scope": SCOPE, "redirect_uris": ["https://load.example/cb"],
            "software_statement": self.anchor.sign("JWT", &statement).expect("a statement"),
        });
        let body = key.sign("JWT", &request).expect("a request");
        client::post_as("application/jwt", self.server.text("/endpoints/registration"), "", &body)
    }

    /// A token request by each of these clients, all of which hold the key of `software_id`.
    pub(crate) fn token_requests(
        &self,
        name: &str,
        software_id: &str,
        clients: &[String],
    ) -> Vec<Vec<u8>> {
        let key = &self.software[software_id.len() % self.software.len()];
        let url = self.server.text("/endpoints/token");
        let now = epoch();
        let request = |(number, client_id): (usize, &String)| {
            let claims = json!({
                "iss": client_id, "sub": client_id, "aud": self.server.text("/issuer"),
                "iat": now, "exp": now + 280, "jti": format!("{name}-{number}"),
            });
            let assertion = key.sign("JWT", &claims).expect("an assertion");
            client::post(url, "", &client::client_credentials(&assertion))
        };
        clients.iter().enumerate().map(request).collect()
    }

    /// The question about a token of `answer`.
    pub(crate) fn introspection(&self, answer: &[u8]) -> Vec<u8> {
        let (id, secret) = &self.resource_server;
        client::introspection(self.server.text("/endpoints/introspection"), id, secret, answer)
    }
}

fn epoch() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

/// A JWK as TOML writes it in one line.
fn inline(jwk: &Value) -> String {
    let members = jwk.as_object().expect("an object").iter();
    let members: Vec<_> = members.map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", members.join(", "))
}

fn migrate(program: &str, server: &Server) {
    let mut command = Command::new(program);
    command.args(["migrate", "--config"]).arg(server.config()).envs(server.environment());
    let done = command.output().expect("the program starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Records the bank's side, and returns the resource server's identifier and secret.
async fn set_up(server: &Server) -> (String, String) {
    let operator = Target::new(server.text("/operator/url"), server.text("/ca_file"));
    let mut desk = Desk { server, connection: operator.connect().await };
    let scopes = json!([{ "scope": SCOPE, "tier": "T0" }]);
    let product =
        json!({ "name": "Load", "audience": AUDIENCE, "scopes": scopes, "publish": true });
    let product = desk.record("products", &product).await;
    let organisation = json!({
        "framework": "load", "directory_id": ORGANISATION, "legal_name": "Load Ltd",
        "jurisdiction": "GB", "regulatory_roles": ["AISP"], "risk_score": 20, "activate": true,
    });
    let organisation = desk.record("organisations", &organisation).await;
    let agreement = json!({
        "organisation_id": organisation["id"], "reference": "LOAD-1",
        "products": [product["id"]], "environments": ["sandbox"],
        "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2090-01-01T00:00:00Z",
        "activate": true,
    });
    desk.record("agreements", &agreement).await;
    let resource_server = json!({ "name": "Load", "audience": AUDIENCE });
    let known = desk.record("resource-servers", &resource_server).await;
    let text = |member: &str| known[member].as_str().expect("a text").to_owned();
    (text("id"), text("secret"))
}

struct Desk<'a> {
    server: &'a Server,
    connection: Connection,
}

impl Desk<'_> {
    async fn record(&mut self, kind: &str, body: &Value) -> Value {
        let url = format!("{}/admin/v1/{kind}", self.server.text("/operator/url"));
        let header = format!("authorization: Bearer {}\r\n", self.server.text("/operator/token"));
        let request = client::post_as("application/json", &url, &header, &body.to_string());
        let (status, answer) = self.connection.send(&request).await;
        assert_eq!(status, 201, "{kind}: {}", String::from_utf8_lossy(answer));
        serde_json::from_slice(answer).expect("JSON")
    }
}

/// The size of a file or a folder's files, in MiB.
pub(crate) fn size_mib(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let bytes: u64 = entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum();
    bytes as f64 / 1_048_576.0
}
