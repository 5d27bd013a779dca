//! Software statements (RFC 7591 §2.3): what the directory is there for.

use serde_json::{Value, json};

use crate::endpoints::Failure;
use crate::endpoints::directory::{Directory, Fault, claims, fault, input::Input};
use crate::random;
use crate::types::Timestamp;

impl Directory {
    /// `POST /statements`.
    ///
    /// # Errors
    ///
    /// The input is bad, the software is unknown, or the database or the key fails.
    pub async fn issue_statement(&self, body: &[u8], now: Timestamp) -> Result<Value, Failure> {
        let mut input = Input::parse(body)?;
        let software_id = input.text("software_id");
        let software_id = input.require("software_id", software_id);
        let asked = input.object("claims");
        let wrong = input.parsed::<Fault>("fault");
        let software_id = input.finish(software_id)?;

        let software = self.find_software(&software_id).await?;
        let organisation = self.find_organisation(software.organisation_id.as_str()).await?;
        let jti = random::identifier();
        let claims = claims::of(&self.url, (&organisation, &software), asked, &jti, now);
        let statement = match wrong {
            Some(wrong) => fault::sign(wrong, &self.key, claims, now),
            None => self.key.sign("JWT", &claims),
        }?;
        Ok(json!({ "software_statement": statement }))
    }
}
