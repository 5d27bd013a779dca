//! What happens: one story per endpoint. Parse, look up, decide, remember, answer.

pub mod exchange;

pub mod operator;
