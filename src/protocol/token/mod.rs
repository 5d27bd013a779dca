//! Access tokens: how they are asked for, what they say, and how they are handed out.

pub mod access_token;
pub mod client_credentials;
pub mod confirmation;
pub mod response;
pub mod selection;

pub use access_token::{AccessTokenClaims, InvalidAccessToken};
pub use client_credentials::{ClientCredentialsRequest, InvalidTokenRequest};
pub use confirmation::Confirmation;
pub use response::TokenResponse;
pub use selection::{NoSelection, Offer, Selection};
