//! Keys of results: a digest over everything that decides a result, with the parts kept, so that a changed key can
//! be explained.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A key: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Digits of a key that its attempts' names begin with.
pub(super) const KEY_DIGITS: usize = 32;

/// What a key is made of: names and values, in a fixed order. Copies share them: many keys have most of them in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyParts(Vec<(Arc<str>, Arc<str>)>);

impl KeyParts {
    /// Adds a part.
    pub fn add(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        self.0.push((name.into(), value.into()));
    }

    /// The parts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The key: blake3 over all names and values, each behind its length.
    pub fn key(&self) -> Key {
        let mut hasher = blake3::Hasher::new();
        for text in self.0.iter().flat_map(|(name, value)| [name, value]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Key(hasher.finalize().to_hex().to_string())
    }

    /// Names of the parts that differ between two keys: changed, added or gone.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let missing = |name: &str, value: &str, parts: &Self| !parts.iter().any(|part| part == (name, value));
        let mine = self.iter().filter(|(name, value)| missing(name, value, other));
        let theirs = other.iter().filter(|(name, value)| missing(name, value, self));
        for (name, _) in mine.chain(theirs) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}
