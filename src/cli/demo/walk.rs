//! The walk: what one partner's software does from its statement to its last token, every step
//! checked against what it should be.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cli::demo::curl::{quoted, reading};
use crate::cli::demo::exchange::{Answer, Body, Given, Request};
use crate::cli::demo::file::{DemoFile, Registration};
use crate::cli::demo::partner::{Partner, Wish, statement_request, token_request};
use crate::cli::demo::transcript::Transcript;
use crate::cli::error::CommandError;
use crate::cli::private_file;
use crate::clock::Clock;

/// The scope that is granted at once.
const GRANTED: &str = "branches:read";

/// Where the demo keeps what a reader must send to repeat a request.
#[derive(Debug, Clone)]
pub struct SecretFiles {
    /// The last access token.
    pub access_token: PathBuf,
    /// The last access token that is bound to a key.
    pub bound_token: PathBuf,
    /// The operator's token.
    pub operator_token: PathBuf,
    /// The resource server's secret.
    pub resource_server_secret: PathBuf,
}

/// The walk, and what it needs.
pub struct Walk<'a> {
    /// Where everybody is. The registration is written into it.
    pub demo: &'a mut DemoFile,
    /// The partner's software.
    pub partner: &'a Partner,
    /// How to speak to the servers.
    pub client: &'a reqwest::Client,
    /// What the resource server asks, and what it is told.
    pub introspections: UnboundedReceiver<(Request, Answer)>,
    /// Where it is printed.
    pub transcript: &'a mut Transcript,
    /// The time.
    pub clock: Clock,
    /// Where secrets are kept, for the commands that repeat a request.
    pub files: &'a SecretFiles,
    /// Called when the client is registered, so that others can play along from then on.
    pub registered: &'a dyn Fn(&DemoFile) -> Result<(), CommandError>,
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Walk").finish_non_exhaustive()
    }
}

impl Walk<'_> {
    /// Walks from the first step to the last.
    ///
    /// # Errors
    ///
    /// Somebody does not answer, or a step cannot be taken because the one before went wrong.
    pub async fn walk(mut self) -> Result<(), CommandError> {
        let statement = self.obtain_statement().await?;
        self.register(&statement).await?;
        let token = self.obtain_token().await?;
        self.call(&token).await?;
        self.prove().await?;
        self.suspend().await?;
        self.call_in_vain(&token).await?;
        self.ask_in_vain().await
    }

    async fn obtain_statement(&mut self) -> Result<String, CommandError> {
        self.transcript.step(
            "The directory signs a software statement",
            "A trust anchor says who the partner is and where its software's keys are.\n\
             The bank believes it because the bank chose this directory, not because of its looks.",
        )?;
        let asked = json!({ "software_id": self.partner.software_id });
        let request = statement_request(&self.demo.directory.statements, asked);
        let answer = self.perform(&request).await?;
        self.expect_status(&answer, 201)?;
        let statement = text(&answer.body, "/software_statement");
        let difference = (statement.split('.').count() != 3).then(|| "there is none".to_owned());
        self.transcript.check("a signed statement was issued", difference)?;
        Ok(statement.to_owned())
    }

    async fn register(&mut self, statement: &str) -> Result<(), CommandError> {
        self.transcript.step(
            "The partner's software registers itself (RFC 7591)",
            "The request is signed with a key that the statement names, so that a stolen statement \
             is worth nothing.\nEach scope is decided by policy: approved, referred to a person, or \
             refused, with every reason.",
        )?;
        let now = self.clock.now();
        let scopes = &self.demo.partner.scopes;
        let wish = Wish { scopes, proving: false };
        let signed = self.partner.registration(statement, wish, now)?;
        let again = self.transcript.curl.fresh("registration");
        let body = Body::Signed(Given::once(signed, again));
        let answer = self.perform(&Request::post(&self.demo.endpoints.registration, body)).await?;
        self.expect_status(&answer, 201)?;
        let found = &answer.body;
        self.transcript.check_equal(
            "only what was approved is granted",
            member(found, "scope"),
            &json!(GRANTED),
        )?;
        self.expect_decision(found, GRANTED, "approved", None)?;
        let reason = Some("sender_constraint_required");
        self.expect_decision(found, "accounts:read", "referred", reason)?;
        let reason = Some("product_not_contracted");
        self.expect_decision(found, "payments:initiate", "refused", reason)?;
        let registration = registration_of(found);
        if registration.is_none() {
            return Err(stopped("there is no client to go on with"));
        }
        self.demo.partner.registration = registration;
        (self.registered)(self.demo)
    }

    async fn obtain_token(&mut self) -> Result<String, CommandError> {
        self.transcript.step(
            "The client asks for an access token (private_key_jwt, client_credentials)",
            "There is no shared secret: the client signs a short-lived assertion, which serves once.\n\
             Organisation, agreement, product, key and grant are looked at again, now.",
        )?;
        let answer = self.ask_for_token().await?;
        self.expect_status(&answer, 200)?;
        let found = &answer.body;
        self.transcript.check_equal(
            "it is good for the approved scope",
            member(found, "scope"),
            &json!(GRANTED),
        )?;
        let token = text(found, "/access_token");
        if token.is_empty() {
            return Err(stopped("there is no access token to go on with"));
        }
        private_file::write(&self.files.access_token, token)?;
        Ok(token.to_owned())
    }

    async fn call(&mut self, token: &str) -> Result<(), CommandError> {
        self.transcript.step(
            "The client calls the bank's API",
            "The resource server knows nothing of partners. It takes the token and asks.",
        )?;
        let answer = self.perform(&self.api_request(token)).await?;
        self.expect_status(&answer, 200)?;
        let told = self.show_introspection(
            "The resource server introspects the token (RFC 7662)",
            "The answer already includes organisation, agreement, product, client and grant.",
        )?;
        self.transcript.check_equal("the token is active", member(&told, "active"), &json!(true))
    }

    async fn suspend(&mut self) -> Result<(), CommandError> {
        self.transcript.step(
            "The operator suspends the organisation",
            "No token is hunted down and no cache flushed: access is computed when it is asked for.",
        )?;
        let demo = &*self.demo;
        let url = format!(
            "{}/admin/v1/organisations/{}/state",
            demo.operator.url, demo.partner.organisation_id
        );
        let body = json!({ "state": "suspended", "reason": "a key was reported stolen" });
        let bearer = Given::once(
            format!("Bearer {}", demo.operator.token),
            format!("Bearer {}", reading(&self.files.operator_token)),
        );
        let request = Request::post(url, Body::Json(body)).authorized(bearer);
        let answer = self.perform(&request).await?;
        self.expect_status(&answer, 200)?;
        let state = member(&answer.body, "state");
        self.transcript.check_equal("the organisation is suspended", state, &json!("suspended"))
    }

    async fn call_in_vain(&mut self, token: &str) -> Result<(), CommandError> {
        self.transcript.step(
            "The same token, a moment later",
            "It has not expired and nobody has revoked it. It died with its partner's standing.",
        )?;
        let answer = self.perform(&self.api_request(token)).await?;
        self.expect_status(&answer, 401)?;
        let told = self.show_introspection(
            "The resource server has asked again",
            "One word is enough: a resource server need not know why.",
        )?;
        self.transcript.check_equal("the token is inactive", member(&told, "active"), &json!(false))
    }

    async fn ask_in_vain(&mut self) -> Result<(), CommandError> {
        self.transcript.step(
            "The client asks for another token",
            "The client, unlike the resource server, is told the reason.",
        )?;
        let answer = self.ask_for_token().await?;
        let refused = (400..404).contains(&answer.status);
        let difference = (!refused).then(|| format!("the answer is {}", answer.status));
        self.transcript.check("the request is refused", difference)?;
        let reason = "organisation_not_active";
        let named = answer.body.to_string().contains(reason);
        let difference = (!named).then(|| "the answer does not name it".to_owned());
        self.transcript.check(&format!("the reason is `{reason}`"), difference)
    }

    async fn ask_for_token(&mut self) -> Result<Answer, CommandError> {
        let registration = self.demo.partner.registration.as_ref();
        let client_id = registration.map(|registration| registration.client_id.as_str());
        let assertion = self.partner.assertion(client_id.unwrap_or_default(), self.clock.now())?;
        let assertion = Given::once(assertion, self.transcript.curl.fresh("assertion"));
        let request = token_request(&self.demo.endpoints.token, GRANTED, assertion);
        self.perform(&request).await
    }

    fn api_request(&self, token: &str) -> Request {
        let again = format!("Bearer {}", reading(&self.files.access_token));
        Request::new(Method::GET, format!("{}/branches", self.demo.resource_server.url))
            .authorized(Given::once(format!("Bearer {token}"), again))
    }

    /// Shows what the resource server has asked meanwhile, and returns what it was told.
    fn show_introspection(&mut self, title: &str, why: &str) -> Result<Value, CommandError> {
        let (mut request, answer) = self
            .introspections
            .try_recv()
            .map_err(|_| stopped("the resource server has not introspected the token"))?;
        if let Body::Form(parameters) = &mut request.body {
            for (_, given) in parameters.iter_mut() {
                given.again = Some(reading(&self.files.access_token));
            }
        }
        if let Some(authorization) = &mut request.authorization {
            let (id, file) =
                (&self.demo.resource_server.client_id, &self.files.resource_server_secret);
            authorization.again = Some(format!("{id}:{}", reading(file)));
        }
        self.transcript.step(title, why)?;
        self.transcript.exchange(&request, &answer)?;
        self.expect_status(&answer, 200)?;
        Ok(answer.body)
    }

    pub(super) async fn perform(&mut self, request: &Request) -> Result<Answer, CommandError> {
        let answer = request.send(self.client).await?;
        self.transcript.exchange(request, &answer)?;
        Ok(answer)
    }

    pub(super) fn expect_status(
        &mut self,
        answer: &Answer,
        wanted: u16,
    ) -> Result<(), CommandError> {
        let difference = (answer.status != wanted).then(|| format!("it is {}", answer.status));
        self.transcript.check(&format!("the status is {wanted}"), difference)
    }

    pub(super) fn expect_decision(
        &mut self,
        found: &Value,
        scope: &str,
        outcome: &str,
        reason: Option<&str>,
    ) -> Result<(), CommandError> {
        let item = json!(format!("scope:{scope}"));
        let decisions = member(found, "decisions").as_array().map_or(&[][..], Vec::as_slice);
        let decision = decisions.iter().find(|decision| *member(decision, "item") == item);
        let found = decision.map_or("undecided", |decision| text(decision, "/outcome"));
        let codes: Vec<&str> = decision
            .and_then(|decision| member(decision, "reasons").as_array())
            .map(|reasons| reasons.iter().map(|reason| text(reason, "/code")).collect())
            .unwrap_or_default();
        let what = match reason {
            Some(reason) => format!("{} is {outcome}: {reason}", quoted(scope)),
            None => format!("{} is {outcome}", quoted(scope)),
        };
        let right = found == outcome && reason.is_none_or(|reason| codes.contains(&reason));
        let difference = (!right).then(|| format!("it is {found} ({})", codes.join(", ")));
        self.transcript.check(&what, difference)
    }
}

/// What a registration handed out, if it went well.
pub(super) fn registration_of(answer: &Value) -> Option<Registration> {
    let told = |name: &str| Some(text(answer, name).to_owned()).filter(|text| !text.is_empty());
    Some(Registration {
        client_id: told("/client_id")?,
        registration_client_uri: told("/registration_client_uri")?,
        registration_access_token: told("/registration_access_token")?,
    })
}

/// A member of an object; null where there is none.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn stopped(why: &str) -> CommandError {
    CommandError::failed_with(
        why,
        "the answer above says more; so does the log, with `--log debug`",
    )
}
