//! What lies in a run's folder: the names of its files, and what they hold.

use serde::{Deserialize, Serialize};

use super::key::{Key, KeyParts};

pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const KEYS: &str = "keys.jsonl";
pub(super) const LOCK: &str = "lock";
pub(super) const PLAN: &str = "plan.json";
pub(super) const SEAL: &str = "seal.json";

/// One part of a stage's work and its key, as a run wrote them down before it used them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The stage.
    pub stage: String,
    /// What the part covers, for people.
    pub label: String,
    /// Its key.
    pub key: Key,
    /// What the key was made of.
    pub parts: KeyParts,
}

/// Digests (blake3, hexadecimal) of what a run wrote down, taken when it ended.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seal {
    pub(super) events: String,
    pub(super) keys: String,
}
