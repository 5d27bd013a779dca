//! The body of an update ([RFC 7592 §2.2], REG-U1 to U5).
//!
//! An update replaces the registration: it goes the way of a new one, from the statement to the
//! metadata, so that what is omitted falls back to its default (U1) and what the statement governs
//! changes by a fresh statement only (U5). Here stand the rules that a new registration does not have.
//!
//! [RFC 7592 §2.2]: https://www.rfc-editor.org/rfc/rfc7592#section-2.2

use serde_json::{Map, Value};

use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::problem::pointer;
use crate::protocol::registration::request::RequestFormat;
use crate::types::ClientId;

/// U3: what the server alone says.
const SERVER_OWNED: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Checks what an update must and must not hold. `members` are those of the verified request.
///
/// # Errors
///
/// `invalid_request` for a member that is the server's (U3), and for a `client_id` that is missing
/// from JSON (U2) or is another client's (U2, U4). A client chooses no secret (U2).
pub fn check_update(
    members: &Map<String, Value>,
    format: RequestFormat,
    client_id: &ClientId,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut refuse = |member: &str, message: String| {
        problems.push(Problem::new(ErrorCode::InvalidRequest, pointer(member), message));
    };
    match members.get("client_id").filter(|value| !value.is_null()) {
        Some(named) if named.as_str() == Some(client_id.as_str()) => {}
        Some(_) => refuse("client_id", "`client_id` is not that of this client".to_owned()),
        None if format == RequestFormat::Json => {
            refuse("client_id", "`client_id` is required in an update".to_owned());
        }
        None => {}
    }
    for member in SERVER_OWNED {
        if members.contains_key(member) {
            refuse(member, format!("`{member}` may not stand in an update"));
        }
    }
    if members.get("client_secret").is_some_and(|value| !value.is_null()) {
        refuse("client_secret", "this client has no `client_secret`".to_owned());
    }
    problems.or(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value, format: RequestFormat) -> Result<(), Problems> {
        let members = serde_json::from_value(body).unwrap();
        check_update(&members, format, &ClientId::parse("cl_1").unwrap())
    }

    #[test]
    fn a_json_update_names_its_client_reg_u2() {
        assert!(check(json!({ "client_id": "cl_1" }), RequestFormat::Json).is_ok());
        for bad in [json!({}), json!({ "client_id": "cl_2" }), json!({ "client_id": 1 })] {
            let problems = check(bad, RequestFormat::Json).unwrap_err();
            assert_eq!(problems.code(), ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn a_signed_update_may_leave_its_client_out_but_not_name_another_reg_u4() {
        assert!(check(json!({}), RequestFormat::Jwt).is_ok());
        assert!(check(json!({ "client_id": "cl_2" }), RequestFormat::Jose).is_err());
    }

    #[test]
    fn an_update_holds_nothing_that_the_server_owns_reg_u3() {
        for member in SERVER_OWNED {
            let body = json!({ "client_id": "cl_1", (member): "x" });
            let problems = check(body, RequestFormat::Json).unwrap_err();
            assert_eq!(problems.code(), ErrorCode::InvalidRequest, "{member}");
        }
        let all = json!({
            "client_id": "cl_2", "client_id_issued_at": 1, "registration_access_token": "t",
        });
        assert_eq!(check(all, RequestFormat::Json).unwrap_err().iter().count(), 3);
    }

    #[test]
    fn a_client_chooses_no_secret_reg_u2() {
        let body = json!({ "client_id": "cl_1", "client_secret": "s" });
        assert!(check(body, RequestFormat::Json).is_err());
    }
}
