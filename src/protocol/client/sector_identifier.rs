//! The document at a `sector_identifier_uri` ([OpenID Connect Registration 1.0 §5]; REG-M15): the
//! redirect URIs of clients that share their users' pairwise names.
//!
//! It is fetched after everything else has been found good (REG-X8), by the guarded fetcher.
//!
//! [OpenID Connect Registration 1.0 §5]: https://openid.net/specs/openid-connect-registration-1_0.html

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protocol::client::ClientMetadata;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::problem::shown;

const MEMBER: &str = "sector_identifier_uri";
const MOST_LISTED: usize = 1000;

/// Checks that the document is an array of texts and holds every redirect URI of the client, byte
/// for byte.
///
/// # Errors
///
/// It is no such array, or each redirect URI that it lacks.
pub fn check(document: &Value, client: &ClientMetadata) -> Result<(), Problems> {
    let Some(listed) = listed(document) else {
        let message = format!(
            "what `{MEMBER}` leads to is not an array of at most {MOST_LISTED} redirect URIs"
        );
        return Err(Problem::metadata(MEMBER, message).into());
    };
    let missing = client.redirect_uris.iter().filter(|uri| !listed.contains(uri.as_str()));
    let problems: Vec<Problem> = missing
        .map(|uri| {
            let message =
                format!("`{}` is not in the array that `{MEMBER}` leads to", shown(uri.as_str()));
            Problem::metadata(MEMBER, message)
        })
        .collect();
    Problems::from(problems).or(())
}

fn listed(document: &Value) -> Option<BTreeSet<&str>> {
    let array = document.as_array().filter(|array| array.len() <= MOST_LISTED)?;
    array.iter().map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::client::RedirectUri;

    fn client() -> ClientMetadata {
        let uri = |text| RedirectUri::parse(text).unwrap();
        ClientMetadata {
            redirect_uris: vec![uri("https://a.example/cb"), uri("https://b.example/cb")],
            ..ClientMetadata::default()
        }
    }

    #[test]
    fn every_redirect_uri_stands_in_the_document_byte_for_byte_reg_m15() {
        let all = json!(["https://c.example/", "https://b.example/cb", "https://a.example/cb"]);
        assert_eq!(check(&all, &client()), Ok(()));
        let near = json!(["https://a.example/cb", "https://b.example/cb/"]);
        let problems = check(&near, &client()).unwrap_err();
        assert_eq!(problems.code().as_str(), "invalid_client_metadata");
        let [problem] = problems.iter().as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.pointer, "/sector_identifier_uri");
        assert!(problem.message.contains("https://b.example/cb"));
    }

    #[test]
    fn a_document_that_is_no_array_of_texts_is_refused_reg_m15() {
        for bad in [
            json!({}),
            json!("https://a.example/cb"),
            json!(null),
            json!([["https://a.example/cb"]]),
            json!(["https://a.example/cb", "https://b.example/cb", 7]),
            json!(vec!["https://a.example/cb"; 1001]),
        ] {
            assert!(check(&bad, &client()).is_err(), "{bad}");
        }
    }
}
