//! What a client is told when its request is refused ([RFC 6749 §5.2], RFC 7591 §3.2.2).
//!
//! The public answer and the private detail are different fields (STY-8): `detail` goes to the log
//! and is never serialised.
//!
//! [RFC 6749 §5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2

use serde_json::{Map, Value};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// The `error` member of an answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)+ }

        impl ErrorCode {
            /// The code as the standards write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

error_codes! {
    /// RFC 6749 §5.2: missing, repeated or malformed parameter.
    InvalidRequest = "invalid_request",
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient = "invalid_client",
    /// RFC 6749 §5.2: the grant is not valid for this client.
    InvalidGrant = "invalid_grant",
    /// RFC 6749 §5.2: the client may not use this grant type.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 §5.2: the grant type is not supported here.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 §5.2: the scope is unknown, malformed or exceeds what was granted.
    InvalidScope = "invalid_scope",
    /// RFC 8707 §2: the resource is unknown, malformed or not for this client.
    InvalidTarget = "invalid_target",
    /// RFC 7009 §2.2.1: tokens of this type cannot be revoked.
    UnsupportedTokenType = "unsupported_token_type",
    /// RFC 6750 §3.1: the bearer token is missing, unknown or expired.
    InvalidToken = "invalid_token",
    /// RFC 6750 §3.1: the bearer token lacks a scope.
    InsufficientScope = "insufficient_scope",
    /// RFC 9470 §3: the login behind the token is too weak or too long ago.
    InsufficientUserAuthentication = "insufficient_user_authentication",
    /// RFC 9110 §15.5.8: the proxy that asks about a request has not said who it is. The status (407)
    /// tells it from what the proxy's own client lacks.
    UnknownProxy = "invalid_client",
    /// RFC 9449 §5: the proof of a key is missing or not acceptable.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 §8: the proof must hold the nonce that the answer brings.
    UseDpopNonce = "use_dpop_nonce",
    /// RFC 9449 §7.1: the same as [`Self::InvalidDpopProof`], where an access token is used.
    InvalidSenderProof = "invalid_dpop_proof",
    /// RFC 9449 §9: the same as [`Self::UseDpopNonce`], where an access token is used.
    UseSenderNonce = "use_dpop_nonce",
    /// RFC 7591 §3.2.2: a redirect URI is not acceptable.
    InvalidRedirectUri = "invalid_redirect_uri",
    /// Open Finance Brasil: a webhook URI is not acceptable (REG-M52).
    InvalidWebhookUris = "invalid_webhook_uris",
    /// RFC 7591 §3.2.2: a metadata field is not acceptable.
    InvalidClientMetadata = "invalid_client_metadata",
    /// RFC 7591 §3.2.2: the software statement itself is bad.
    InvalidSoftwareStatement = "invalid_software_statement",
    /// RFC 7591 §3.2.2: the software statement is sound but not accepted here.
    UnapprovedSoftwareStatement = "unapproved_software_statement",
    /// The address is unknown.
    NotFound = "not_found",
    /// The address is known, the method is not.
    MethodNotAllowed = "method_not_allowed",
    /// The body is larger than the server reads. The standards have no code of its own for it; the
    /// status (413) tells it from other malformed requests.
    PayloadTooLarge = "invalid_request",
    /// The record has changed, or exists already.
    Conflict = "conflict",
    /// RFC 9110 §13.1.1: the record is no longer the one that the request was made for.
    PreconditionFailed = "precondition_failed",
    /// A quota or a rate is used up. The standards have no code of its own for it; the status (429)
    /// tells it from a server that cannot answer.
    TooManyRequests = "temporarily_unavailable",
    /// The caller may not do this.
    AccessDenied = "access_denied",
    /// Our fault.
    ServerError = "server_error",
    /// Try again later; a store cannot be reached or a queue is full.
    TemporarilyUnavailable = "temporarily_unavailable",
}

/// A refusal: what the client is told, and what only the log learns.
#[derive(Debug, Clone, PartialEq)]
pub struct OAuthError {
    /// The code.
    pub code: ErrorCode,
    /// One sentence for the client's developer.
    pub description: String,
    /// Further members of the answer, such as `decisions`.
    pub members: Map<String, Value>,
    /// For the log only. It never holds a secret, token, assertion or statement.
    pub detail: Option<String>,
    /// Further headers of the answer.
    pub headers: Vec<(&'static str, String)>,
    /// After how many seconds the same request may succeed (RFC 9110 §10.2.3).
    pub retry_after: Option<u32>,
}

impl OAuthError {
    /// A refusal with a public description.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            members: Map::new(),
            detail: None,
            headers: Vec::new(),
            retry_after: None,
        }
    }

    /// Adds what only the log learns.
    #[must_use]
    pub fn with_detail(mut self, detail: impl std::fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says after how many seconds the same request may succeed.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds a member to the answer.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The description as the standards let it be written (RFC 6749 §5.2, RFC 6750 §3).
    #[must_use]
    pub fn printable_description(&self) -> String {
        printable(&self.description)
    }

    /// The answer's body: `error`, `error_description` and the further members.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.members.clone();
        body.insert("error".to_owned(), self.code.as_str().into());
        body.insert("error_description".to_owned(), self.printable_description().into());
        Value::Object(body)
    }
}

/// RFC 6749 §5.2 allows `%x20-21 / %x23-5B / %x5D-7E` in a description; anything else becomes `'`
/// or `?`.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '"' | '\\' | '`' => '\'',
            ' '..='~' => character,
            _ => '?',
        })
        .collect()
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_only_the_characters_that_rfc_6749_allows() {
        let body = OAuthError::new(ErrorCode::InvalidRequest, "a\"b\\c\nd\u{202e}e `f`").body();
        assert_eq!(body["error_description"], "a'b'c?d?e 'f'");
    }

    #[test]
    fn a_detail_is_never_in_the_body() {
        let error = OAuthError::new(ErrorCode::InvalidClient, "no").with_detail("private");
        assert!(!error.body().to_string().contains("private"));
    }
}
