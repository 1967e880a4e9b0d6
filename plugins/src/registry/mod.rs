//! Plugins from registries of the Open Container Initiative: `oci://registry/name:tag`.

mod client;
mod credentials;
mod manifest;
mod pull;
mod reference;

pub(crate) use pull::Registries;
