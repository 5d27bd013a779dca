//! Who takes part: a bank with three API products and a resource server, and a partner with an
//! agreement over two of the products. What is there from an earlier run is used again.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::demo::exchange::{Body, Given, Request};
use crate::cli::demo::file::Product;
use crate::cli::error::CommandError;
use crate::cli::private_file;
use crate::jose::SigningKey;
use crate::types::Secret;
use crate::types::Timestamp;

/// What the directory calls the partner.
const ORGANISATION: &str = "fern-finance";
const LEGAL_NAME: &str = "Fern Finance Ltd";
/// Whose tokens the resource server takes. It is a name, not an address: ports may change.
pub const AUDIENCE: &str = "https://api.bank.example";
/// The bank's API products.
const PRODUCTS: [Offer; 3] = [
    Offer {
        name: "Branches",
        scopes: &[("branches:read", "T0"), ("rates:read", "T1")],
        sold: true,
    },
    Offer { name: "Accounts", scopes: &[("accounts:read", "T2")], sold: true },
    Offer { name: "Payments", scopes: &[("payments:initiate", "T3")], sold: false },
];
/// What the partner will ask for: one scope that is granted, one that a person must look at, one
/// that is not in the agreement.
pub const ASKED: [&str; 3] = ["branches:read", "accounts:read", "payments:initiate"];
const YEAR: i64 = 365 * 86_400;

/// An API product: its scopes with their tiers, and whether the agreement covers it.
struct Offer {
    name: &'static str,
    scopes: &'static [(&'static str, &'static str)],
    sold: bool,
}

/// Where the cast is set up.
#[derive(Debug)]
pub struct Stage<'a> {
    /// How to speak to the servers.
    pub client: &'a reqwest::Client,
    /// The test directory.
    pub directory: String,
    /// The operator API, up to its version.
    pub operator: String,
    /// The operator's token.
    pub token: &'a Secret,
}

/// Those who take part.
#[derive(Debug)]
pub struct Cast {
    /// What the bank calls the partner.
    pub organisation_id: String,
    /// What the directory calls it.
    pub directory_organisation_id: String,
    /// What the directory calls its software.
    pub software_id: String,
    /// The bank's products.
    pub products: Vec<Product>,
    /// The agreement.
    pub agreement_id: String,
    /// What the bank calls the resource server.
    pub resource_server_id: String,
    /// The resource server's secret.
    pub resource_server_secret: Secret,
}

impl Stage<'_> {
    /// Records the partner and its software in the directory.
    ///
    /// # Errors
    ///
    /// The directory does not answer, or refuses.
    pub async fn vouch(&self, key: &SigningKey) -> Result<(String, String), CommandError> {
        let organisations = format!("{}/organisations", self.directory);
        let organisation =
            json!({ "org_id": ORGANISATION, "name": LEGAL_NAME, "status": "Active" });
        if self.ask(Method::POST, &organisations, organisation).await?.is_none() {
            let url = format!("{organisations}/{ORGANISATION}");
            self.ask(Method::PATCH, &url, json!({ "status": "Active" })).await?;
        }
        // Named after its key, so that a new key is new software.
        let thumbprint: String = key.thumbprint().chars().take(8).collect();
        let software_id = format!("fern-app-{thumbprint}");
        let software = json!({
            "org_id": ORGANISATION,
            "software_id": software_id,
            "jwks": { "keys": [key.public_jwk()] },
            "claims": { "software_client_name": "Fern", "software_roles": ["AISP", "PISP"] },
        });
        self.ask(Method::POST, &format!("{}/software", self.directory), software).await?;
        Ok((ORGANISATION.to_owned(), software_id))
    }

    /// Records products, partner, agreement and resource server at the bank.
    ///
    /// # Errors
    ///
    /// The operator API does not answer, or refuses.
    pub async fn contract(
        &self,
        (directory_organisation_id, software_id): (String, String),
        secret_file: &Path,
        now: Timestamp,
    ) -> Result<Cast, CommandError> {
        let products = self.products().await?;
        let organisation_id = self.organisation().await?;
        let covered = products.iter().zip(PRODUCTS).filter(|(_, offer)| offer.sold);
        let covered: Vec<&str> = covered.map(|(product, _)| product.id.as_str()).collect();
        let agreement_id = self.agreement(&organisation_id, &covered, now).await?;
        let (resource_server_id, resource_server_secret) =
            self.resource_server(secret_file).await?;
        Ok(Cast {
            organisation_id,
            directory_organisation_id,
            software_id,
            products,
            agreement_id,
            resource_server_id,
            resource_server_secret,
        })
    }

    async fn products(&self) -> Result<Vec<Product>, CommandError> {
        let mut products = Vec::new();
        for Offer { name, scopes, .. } in PRODUCTS {
            let offered: Vec<Value> = scopes
                .iter()
                .map(|(scope, tier)| json!({ "scope": scope, "tier": tier }))
                .collect();
            let product =
                json!({ "name": name, "audience": AUDIENCE, "scopes": offered, "publish": true });
            let id = self.record("/products", product).await?;
            let scopes = scopes.iter().map(|(scope, _)| (*scope).to_owned()).collect();
            products.push(Product { id, name: name.to_owned(), scopes });
        }
        Ok(products)
    }

    async fn organisation(&self) -> Result<String, CommandError> {
        let organisation = json!({
            "framework": "directory",
            "directory_id": ORGANISATION,
            "legal_name": LEGAL_NAME,
            "jurisdiction": "GB",
            "regulatory_roles": ["AISP"],
            "risk_score": 20,
            "activate": true,
        });
        let id = self.record("/organisations", organisation).await?;
        let url = format!("{}/organisations/{id}", self.operator);
        let found = self.ask(Method::GET, &url, Value::Null).await?.unwrap_or_default();
        if found.get("state") == Some(&json!("suspended")) {
            let step = json!({ "state": "active", "reason": "the demo starts again" });
            self.ask(Method::POST, &format!("{url}/state"), step).await?;
        }
        Ok(id)
    }

    async fn agreement(
        &self,
        organisation_id: &str,
        products: &[&str],
        now: Timestamp,
    ) -> Result<String, CommandError> {
        let until = now.plus(YEAR).to_string();
        let agreement = json!({
            "organisation_id": organisation_id,
            "reference": "DEMO-1",
            "products": products,
            "environments": ["sandbox"],
            "valid_from": now.to_string(),
            "valid_until": until,
            "activate": true,
        });
        let id = self.record("/agreements", agreement).await?;
        let renewed = json!({ "valid_until": until });
        self.ask(Method::PATCH, &format!("{}/agreements/{id}", self.operator), renewed).await?;
        Ok(id)
    }

    /// The secret is told once, so it is kept in a file.
    async fn resource_server(&self, file: &Path) -> Result<(String, Secret), CommandError> {
        let url = format!("{}/resource-servers", self.operator);
        let body = json!({ "name": "Demo resource server", "audience": AUDIENCE });
        let answer = self.request(Method::POST, &url, body).send(self.client).await?;
        let text = |member| answer.body.get(member).and_then(Value::as_str).map(str::to_owned);
        let kept = private_file::read(file)?;
        match (answer.status, text("id"), text("secret"), kept) {
            (201, Some(id), Some(secret), _) => {
                private_file::write(file, &secret)?;
                Ok((id, Secret::new(secret)))
            }
            (409, Some(id), _, Some(secret)) => Ok((id, Secret::new(secret.trim()))),
            (409, _, _, None) => Err(CommandError::failed_with(
                format!("`{}` is gone, and with it the secret", file.display()),
                "delete the demo's data folder and start again",
            )),
            (status, _, _, _) => Err(CommandError::Refused { status, body: answer.body }),
        }
    }

    /// Creates a record, or finds the one that exists; its identifier.
    async fn record(&self, path: &str, body: Value) -> Result<String, CommandError> {
        let url = format!("{}{path}", self.operator);
        let answer = self.request(Method::POST, &url, body).send(self.client).await?;
        let id = answer.body.get("id").and_then(Value::as_str);
        match id {
            Some(id) if matches!(answer.status, 201 | 409) => Ok(id.to_owned()),
            Some(_) | None => {
                Err(CommandError::Refused { status: answer.status, body: answer.body })
            }
        }
    }

    /// Asks for something; nothing, if it conflicts with what exists.
    async fn ask(
        &self,
        method: Method,
        url: &str,
        body: Value,
    ) -> Result<Option<Value>, CommandError> {
        let answer = self.request(method, url, body).send(self.client).await?;
        match answer.status {
            200..300 => Ok(Some(answer.body)),
            409 => Ok(None),
            status => Err(CommandError::Refused { status, body: answer.body }),
        }
    }

    fn request(&self, method: Method, url: &str, body: Value) -> Request {
        let mut request = Request::new(method, url);
        if !body.is_null() {
            request.body = Body::Json(body);
        }
        if url.starts_with(&self.operator) {
            let bearer = format!("Bearer {}", self.token.reveal());
            request = request.authorized(Given::lasting(bearer));
        }
        request
    }
}
