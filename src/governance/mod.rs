//! How we stay honest: what is written down about every change.

pub mod audit;
