//! An ecosystem on a stage: a framework's file as it ships, with authorities, keys and hosts that are
//! the test's own, a bank that knows one partner of it, and that partner's software.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::{manage, register};
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SigningKey};
use countersign::partners::{ApiProduct, Organisation, ProductScope, Tier};
use countersign::protocol::OAuthError;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::trust::{Framework, Frameworks};
use countersign::types::{DirectoryOrganisationId, FrameworkName, Scope, Secret};
use countersign::x509::PresentedCertificates;
use rcgen::SanType;
use rcgen::string::Ia5String;
use serde_json::{Map, Value, json};

use crate::support::house::{House, change};
use crate::support::partner::{merged, token_request_by};
use crate::support::pki::{Authority, Issued, Wanted};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

/// Which listener there is beside the public one: only frameworks with certificates need it.
const SETTINGS: &str = "
[server.mutual_tls]
listen = \"127.0.0.1:0\"
base_url = \"https://mtls.as.example\"
";

/// What a test changes in a shipped file, beside `enabled`.
pub(crate) struct Stage<'a> {
    /// The file's text.
    pub(crate) text: String,
    /// Keys, addresses and hosts: what stands there, and what is to stand there.
    pub(crate) changes: &'a [(&'a str, &'a str)],
    /// What the ecosystem calls the partner.
    pub(crate) organisation: &'a str,
    /// The scopes that the bank sells to it.
    pub(crate) scopes: &'a [&'a str],
    /// How the software signs.
    pub(crate) algorithm: Algorithm,
}

/// The stage, ready to be played on.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) app: App,
    /// The key of whoever vouches.
    pub(crate) directory: SigningKey,
    /// The software's key.
    pub(crate) key: SigningKey,
    /// Who signs the ecosystem's certificates.
    pub(crate) authority: Authority,
    /// Where the software's keys are.
    pub(crate) software_keys: TlsServer,
}

/// A framework's file as it ships.
pub(crate) fn shipped(file: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("frameworks");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

impl Scene {
    pub(crate) async fn set(stage: Stage<'_>) -> Self {
        let directory = SigningKey::generate(Algorithm::Ps256).unwrap();
        let key = SigningKey::generate(stage.algorithm).unwrap();
        let authority = Authority::root("The ecosystem's authority");
        let software_keys = TlsServer::start(Reply::json(offering(&key))).await;
        let house = House::new().await;
        let mut app = house.node_with(SETTINGS).await;
        let fetcher = Fetcher::new(Some(&software_keys.certificate)).unwrap();
        app.key_source = KeySource::new(fetcher);
        let mut text = stage.text.replace("enabled = false", "enabled = true");
        for (from, to) in stage.changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let mut scene = Self { house, app, directory, key, authority, software_keys };
        scene.believe(&[("shipped.toml", &text)]);
        let framework = scene.app.frameworks.iter().next().unwrap().name().clone();
        scene.introduce("e", &framework, stage.organisation, stage.scopes).await;
        scene
    }

    /// Reads these frameworks, with the stage's authority and key in the place of the files they name.
    pub(crate) fn believe(&mut self, files: &[(&str, &str)]) {
        let read = |path: &str| {
            let pem = path.strip_suffix(".pem").is_some();
            Ok(if pem { self.authority.pem.clone() } else { offering(&self.directory) })
        };
        let parsed = files.iter().map(|(file, text)| {
            let framework = Framework::parse_with(file, text, &read);
            ((*file).to_owned(), framework.unwrap_or_else(|problems| panic!("{problems:?}")))
        });
        let frameworks = Frameworks::new(parsed.collect::<Vec<_>>()).unwrap();
        for framework in &frameworks {
            let allowed_hosts = vec!["localhost".to_owned()];
            let rules = FetchRules { allowed_hosts, allow_loopback: true };
            self.app.fetch_rules.insert(framework.name().clone(), rules);
        }
        self.app.frameworks = frameworks;
    }

    /// The bank has a contract with an organisation of the framework.
    pub(crate) async fn introduce(
        &self,
        tag: &'static str,
        framework: &FrameworkName,
        name: &str,
        scopes: &[&str],
    ) {
        let organisation = Organisation {
            framework: framework.clone(),
            directory_id: DirectoryOrganisationId::parse(name).unwrap(),
            ..sample::organisation(tag)
        };
        let sold = scopes.iter().map(|scope| ProductScope {
            scope: Scope::parse(*scope).unwrap(),
            tier: Tier::T1,
            max_token_seconds: 300,
        });
        let product = ApiProduct { scopes: sold.collect(), ..sample::product(tag) };
        change(&self.app, AuditAction::ApiProductCreated, move |tx| {
            tx.insert_organisation(&organisation)?;
            tx.insert_api_product(&product)?;
            tx.insert_agreement(&sample::agreement(tag))
        })
        .await;
    }

    /// A statement of whoever vouches.
    pub(crate) fn statement(&self, claims: &Value) -> String {
        self.directory.sign("JWT", claims).unwrap()
    }

    /// A statement that software signs itself, with its certificate in the header.
    pub(crate) fn own_statement(issued: &Issued, claims: &Value) -> String {
        let key = SigningKey::from_private_key_info(issued.key.serialized_der()).unwrap();
        let header = json!({ "x5c": [STANDARD.encode(&issued.der)], "kid": null });
        let claims: Map<String, Value> = serde_json::from_value(claims.clone()).unwrap();
        key.sign_with("JWT", header.as_object().unwrap(), &claims).unwrap()
    }

    /// A certificate that names its holder by a URI.
    pub(crate) fn named_by_uri(authority: &Authority, uri: &str) -> Issued {
        let name = SanType::URI(Ia5String::try_from(uri).unwrap());
        authority.issue(Wanted::client("app").alternative_name(name))
    }

    /// A signed registration.
    pub(crate) fn signed(&self, claims: &Value) -> Incoming {
        self.posted("application/jwt", &self.key.sign("JWT", claims).unwrap())
    }

    /// A registration in JSON.
    pub(crate) fn json(&self, members: &Value) -> Incoming {
        self.posted("application/json", &members.to_string())
    }

    pub(crate) fn posted(&self, content_type: &str, body: &str) -> Incoming {
        let content_type = Some(content_type.to_owned());
        Incoming { content_type, ..self.house.post(body, None) }
    }

    /// Registers, and is told this status.
    pub(crate) async fn registered(&self, incoming: &Incoming, status: u16) -> Value {
        let answer = register(&self.app, incoming).await.map_err(Failure::into_error);
        let answer = answer.unwrap_or_else(|refused| panic!("{}", refused.body()));
        assert_eq!(answer.status, status);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Registers, and is refused.
    pub(crate) async fn refused(&self, incoming: &Incoming) -> OAuthError {
        register(&self.app, incoming).await.map_err(Failure::into_error).unwrap_err()
    }

    /// Registers, and is refused with this code, for a reason in which these words stand.
    pub(crate) async fn refused_for(&self, incoming: &Incoming, code: &str, words: &str) {
        let body = self.refused(incoming).await.body();
        assert_eq!(body["error"], code, "{body}");
        assert!(body.to_string().contains(words), "`{words}` is not in {body}");
    }

    /// An access token of the client itself.
    pub(crate) async fn access_token(
        &self,
        key: &SigningKey,
        client: &Value,
        scope: &str,
        shown: Option<&PresentedCertificates>,
    ) -> String {
        let request = showing(self.token_request(key, client, scope), shown);
        let answer = token(&self.app, &request).await.map_err(Failure::into_error);
        let answer = answer.unwrap_or_else(|refused| panic!("{}", refused.body()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A token request of the client.
    pub(crate) fn token_request(&self, key: &SigningKey, client: &Value, scope: &str) -> Incoming {
        token_request_by(&self.house, key, &client["client_id"], scope)
    }

    /// Manages a client with this token: the status, and the body or the refusal.
    pub(crate) async fn managed(
        &self,
        client: &Value,
        access: &str,
        method: Method,
        base: Incoming,
    ) -> (u16, Value) {
        let id = client["client_id"].as_str().unwrap().to_owned();
        let segments = BTreeMap::from([("client_id".to_owned(), id)]);
        let authorization = Some(Secret::new(format!("Bearer {access}")));
        let request = Incoming { method, segments, authorization, ..base };
        match manage(&self.app, &request).await.map_err(Failure::into_error) {
            Ok(answer) if answer.body.is_empty() => (answer.status, Value::Null),
            Ok(answer) => (answer.status, serde_json::from_slice(&answer.body).unwrap()),
            Err(refused) => (status(&refused), refused.body()),
        }
    }

    /// A request without a body.
    pub(crate) fn plain(&self) -> Incoming {
        self.house.post("", None)
    }

    /// How many clients there are, beside the one that every house has.
    pub(crate) async fn clients(&self) -> usize {
        let page = countersign::storage::Page::first(countersign::storage::Page::LARGEST);
        self.app
            .database
            .read(move |reader| reader.clients(&page))
            .await
            .unwrap()
            .len()
            .saturating_sub(1)
    }

    /// Claims with fresh times and a `jti`, and these beside them; `null` leaves one out.
    pub(crate) fn timed(&self, lifetime: i64, claims: &Value) -> Value {
        let now = self.house.clock.now();
        let times = json!({ "iat": now, "exp": now.plus(lifetime), "jti": unique("jti") });
        merged(times, claims)
    }
}

/// The request, from somebody who shows this certificate.
pub(crate) fn showing(incoming: Incoming, shown: Option<&PresentedCertificates>) -> Incoming {
    Incoming { presented: shown.cloned(), ..incoming }
}

/// The status that goes with a refusal (REG-H).
pub(crate) fn status(refused: &OAuthError) -> u16 {
    match refused.code.as_str() {
        "invalid_token" | "invalid_client" => 401,
        "insufficient_scope" | "access_denied" => 403,
        "method_not_allowed" => 405,
        _ => 400,
    }
}

/// A key set with this key.
pub(crate) fn offering(key: &SigningKey) -> String {
    json!({ "keys": [key.public_jwk()] }).to_string()
}

fn unique(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{kind}-of-a-scene-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}
