//! What the server does, seen from outside: one binary, a file per standard or concern.

// `cfg(test)` lets clippy know that these may panic.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod authorize_request;
#[cfg(test)]
mod certificate_authentication;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client_authentication;
#[cfg(test)]
mod client_keys;
#[cfg(test)]
mod client_secret_rotation;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod directory_standing;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod dpop_elsewhere;
#[cfg(test)]
mod ecosystem_australia;
#[cfg(test)]
mod ecosystem_bilateral;
#[cfg(test)]
mod ecosystem_brazil;
#[cfg(test)]
mod ecosystem_fictional;
#[cfg(test)]
mod ecosystem_udap;
#[cfg(test)]
mod ecosystem_uk;
#[cfg(test)]
mod ecosystems_document;
#[cfg(test)]
mod envoy;
#[cfg(test)]
mod framework_files;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod http;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod introspection_jwt;
#[cfg(test)]
mod key_rotation;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod mutual_tls;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod one_time_contract;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod registration_bad_input;
#[cfg(test)]
mod registration_certificate;
#[cfg(test)]
mod registration_lifecycle;
#[cfg(test)]
mod registration_management;
#[cfg(test)]
mod registration_operator;
#[cfg(test)]
mod registration_recovery;
#[cfg(test)]
mod registration_round_trip;
#[cfg(test)]
mod registration_storage;
#[cfg(test)]
mod registration_update;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod resource_server_example;
#[cfg(test)]
mod resource_server_registration;
#[cfg(test)]
mod resource_servers;
#[cfg(test)]
mod sector_identifier;
#[cfg(test)]
mod storage_contract;
#[cfg(test)]
mod storage_records;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
