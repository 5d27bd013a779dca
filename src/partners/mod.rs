//! Who may take part: organisations, their agreements, the products they may use, their software,
//! their clients, and the conjunction of all of these that is access (GOV §2).
//!
//! Every record has a state and a table of the transitions it may make. No record stores another's
//! status: access is computed when it is asked for.

pub mod agreement;
pub mod api_product;
pub mod client;
pub mod credential;
pub mod entitlement;
pub mod initial_access_token;
pub mod organisation;
pub mod resource_server;
pub mod software_product;
pub mod standing;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod standing_tests;
mod state;

pub use agreement::{Agreement, AgreementState};
pub use api_product::{ApiProduct, ApiProductState, ProductScope, Tier};
pub use client::{Client, ClientState};
pub use credential::{Credential, CredentialState};
pub use entitlement::{Entitlement, EntitlementState};
pub use initial_access_token::{InitialAccessToken, InitialAccessTokenState};
pub use organisation::{Attestation, Organisation, OrganisationState};
pub use resource_server::{EarlierSecret, ResourceServer, ResourceServerState};
pub use software_product::{SoftwareProduct, SoftwareProductState};
pub use standing::{AgreementStatus, ClientRecord};
pub use state::{Environment, State, UnknownState};
