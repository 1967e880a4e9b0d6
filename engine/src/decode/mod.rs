//! Decoding what people write in YAML into typed options, reporting every fault at once and in our own words.

mod messages;
mod recover;

pub(crate) use recover::decode;
