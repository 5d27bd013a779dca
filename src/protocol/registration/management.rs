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
use crate::types::ClientId;

/// U3: what the server alone says.
const SERVER_OWNED: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// What an update is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Updated<'a> {
    /// The client at the address.
    pub client_id: &'a ClientId,
    /// Whether the body must name it (U2), or may leave that to the address (U4).
    pub names_client: bool,
    /// Whether the `client_secret` in the body, if there is one, is the client's own.
    pub secret_is_its_own: bool,
}

/// Checks what an update must and must not hold. `members` are those of the verified request.
///
/// # Errors
///
/// `invalid_request` for a member that is the server's (U3), and for a `client_id` that is missing
/// (U2) or is another client's (U2, U4). A client may repeat its secret and chooses none (U2).
pub fn check_update(members: &Map<String, Value>, updated: Updated<'_>) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut refuse = |member: &str, message: String| {
        problems.push(Problem::new(ErrorCode::InvalidRequest, pointer(member), message));
    };
    match members.get("client_id").filter(|value| !value.is_null()) {
        Some(named) if named.as_str() == Some(updated.client_id.as_str()) => {}
        Some(_) => refuse("client_id", "`client_id` is not that of this client".to_owned()),
        None if updated.names_client => {
            refuse("client_id", "`client_id` is required in an update".to_owned());
        }
        None => {}
    }
    for member in SERVER_OWNED {
        if members.contains_key(member) {
            refuse(member, format!("`{member}` may not stand in an update"));
        }
    }
    let sends_secret = members.get("client_secret").is_some_and(|value| !value.is_null());
    if sends_secret && !updated.secret_is_its_own {
        refuse("client_secret", "`client_secret` is not that of this client".to_owned());
    }
    problems.or(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value, names_client: bool) -> Result<(), Problems> {
        let members = serde_json::from_value(body).unwrap();
        let client_id = &ClientId::parse("cl_1").unwrap();
        check_update(&members, Updated { client_id, names_client, secret_is_its_own: false })
    }

    #[test]
    fn an_update_names_its_client_where_it_must_reg_u2() {
        assert!(check(json!({ "client_id": "cl_1" }), true).is_ok());
        for bad in [json!({}), json!({ "client_id": "cl_2" }), json!({ "client_id": 1 })] {
            let problems = check(bad, true).unwrap_err();
            assert_eq!(problems.code(), ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn an_update_may_leave_its_client_to_the_address_but_not_name_another_reg_u4() {
        assert!(check(json!({}), false).is_ok());
        assert!(check(json!({ "client_id": "cl_2" }), false).is_err());
    }

    #[test]
    fn an_update_holds_nothing_that_the_server_owns_reg_u3() {
        for member in SERVER_OWNED {
            let body = json!({ "client_id": "cl_1", (member): "x" });
            let problems = check(body, true).unwrap_err();
            assert_eq!(problems.code(), ErrorCode::InvalidRequest, "{member}");
        }
        let all = json!({
            "client_id": "cl_2", "client_id_issued_at": 1, "registration_access_token": "t",
        });
        assert_eq!(check(all, true).unwrap_err().iter().count(), 3);
    }

    #[test]
    fn a_client_chooses_no_secret_reg_u2() {
        let body = json!({ "client_id": "cl_1", "client_secret": "s" });
        assert!(check(body.clone(), true).is_err());
        let members = serde_json::from_value(body).unwrap();
        let client_id = &ClientId::parse("cl_1").unwrap();
        let own = Updated { client_id, names_client: true, secret_is_its_own: true };
        assert!(check_update(&members, own).is_ok());
    }
}
