//! How it gets in and out: the only door to actix.
//!
//! A listener is a table of [`Routes`] that tell stories, and [`start`] opens it. Endpoints see an
//! `Incoming` and give an `Answer` or a `Failure`; HTTP itself (methods, limits, headers, statuses)
//! is here and nowhere else.

mod answer;
mod boundary;
pub mod directory;
mod entrance;
mod error;
mod health;
pub mod oauth;
pub mod operator;
mod request;
mod respond;
mod routes;
mod server;
mod tls;
mod unwinding;

pub use entrance::Entrance;
pub use routes::Routes;
pub use server::{Listener, Server, ServerError, start};
pub use tls::{TlsError, TlsFiles};
