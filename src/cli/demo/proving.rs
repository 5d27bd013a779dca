//! The middle of the walk: the software proves a key with each request (RFC 9449), policy lets it
//! have more for that, and a thief has nothing from its token.

use reqwest::Method;
use serde_json::json;

use crate::cli::demo::curl::{quoted, reading, relative};
use crate::cli::demo::exchange::{Body, Given, Request};
use crate::cli::demo::partner::{Target, Wish, statement_request, token_request};
use crate::cli::demo::walk::{Walk, member, registration_of, stopped, text};
use crate::cli::error::CommandError;
use crate::cli::private_file;
use crate::types::Secret;

/// The scope that is granted to senders that prove a key, and to no others.
const PROVED: &str = "accounts:read";

impl Walk<'_> {
    /// From a registration for bound tokens to a thief who is sent away.
    pub(super) async fn prove(&mut self) -> Result<(), CommandError> {
        self.register_to_prove().await?;
        let token = self.obtain_bound_token().await?;
        self.call_with_proof(&token).await?;
        self.steal(&token).await
    }

    async fn register_to_prove(&mut self) -> Result<(), CommandError> {
        self.transcript.step(
            "The software registers again, to prove a key with each request (RFC 9449)",
            "What policy referred to a person it approves now: a token that is bound to a key is \
             worth nothing to a thief.",
        )?;
        let asked = json!({ "software_id": self.partner.software_id });
        let issued = statement_request(&self.demo.directory.statements, asked);
        let statement = issued.send(self.client).await?;
        let scopes = [PROVED.to_owned()];
        let wish = Wish { scopes: &scopes, proving: true };
        let statement = text(&statement.body, "/software_statement");
        let signed = self.partner.registration(statement, wish, self.clock.now())?;
        let again = self.transcript.curl.fresh(&format!("registration --dpop --scope {PROVED}"));
        let body = Body::Signed(Given::once(signed, again));
        let answer = self.perform(&Request::post(&self.demo.endpoints.registration, body)).await?;
        self.expect_status(&answer, 201)?;
        self.expect_decision(&answer.body, PROVED, "approved", None)?;
        self.demo.partner.proving = registration_of(&answer.body);
        (self.registered)(self.demo)
    }

    async fn obtain_bound_token(&mut self) -> Result<Secret, CommandError> {
        self.transcript.step(
            "It asks for a token, and proves its key",
            "The proof is for this one request, and serves once. The token will name the key.",
        )?;
        let registration = self.demo.partner.proving.as_ref();
        let client_id = registration.map(|registration| registration.client_id.as_str());
        let now = self.clock.now();
        let assertion = self.partner.assertion(client_id.unwrap_or_default(), now)?;
        let assertion = Given::once(assertion, self.transcript.curl.fresh("assertion --dpop"));
        let url = self.demo.endpoints.token.clone();
        let proof = self.proof(&Method::POST, &url, None)?;
        let request = token_request(&url, PROVED, assertion).proved(proof);
        let answer = self.perform(&request).await?;
        self.expect_status(&answer, 200)?;
        let kind = member(&answer.body, "token_type");
        self.transcript.check_equal("the token is bound", kind, &json!("DPoP"))?;
        let token = Secret::new(text(&answer.body, "/access_token"));
        private_file::write(&self.files.bound_token, token.reveal())?;
        if token.reveal().is_empty() {
            return Err(stopped("there is no bound token to go on with"));
        }
        Ok(token)
    }

    async fn call_with_proof(&mut self, token: &Secret) -> Result<(), CommandError> {
        self.transcript.step(
            "It calls the bank's API, and proves its key again",
            "This proof is for this token as well: it holds the token's hash.",
        )?;
        let url = format!("{}/accounts", self.demo.resource_server.url);
        let proof = self.proof(&Method::GET, &url, Some(token))?;
        let again = format!("DPoP {}", reading(&self.files.bound_token));
        let request = Request::new(Method::GET, url)
            .authorized(Given::once(format!("DPoP {}", token.reveal()), again))
            .proved(proof);
        let answer = self.perform(&request).await?;
        self.expect_status(&answer, 200)
    }

    async fn steal(&mut self, token: &Secret) -> Result<(), CommandError> {
        self.transcript.step(
            "A thief calls with the same token",
            "A copy of the token was all it took before. The thief does not have the key.",
        )?;
        let again = format!("Bearer {}", reading(&self.files.bound_token));
        let url = format!("{}/accounts", self.demo.resource_server.url);
        let request = Request::new(Method::GET, url)
            .authorized(Given::once(format!("Bearer {}", token.reveal()), again));
        let answer = self.perform(&request).await?;
        // The resource server has asked; what it was told is no step of its own here.
        drop(self.introspections.try_recv());
        self.expect_status(&answer, 401)
    }

    /// A proof for one request, and the words that make another.
    fn proof(
        &self,
        method: &Method,
        url: &str,
        token: Option<&Secret>,
    ) -> Result<Given, CommandError> {
        let target = Target { method: method.as_str(), url, token, nonce: None };
        let proof = self.partner.proof(target, self.clock.now())?;
        let file = quoted(&relative(&self.files.bound_token));
        let token = token.map(|_| format!(" --token-file {file}")).unwrap_or_default();
        let words = format!("proof --method {method} --url {}{token}", quoted(url));
        Ok(Given::once(proof, self.transcript.curl.fresh(&words)))
    }
}
