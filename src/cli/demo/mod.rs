//! The demo: one partner walked from its software statement to its last token.

pub mod exchange;
