//! A stage that was built, with what stands for it in keys.

use super::traits::Stage;

/// A stage built from its options.
pub struct Built {
    /// The stage.
    pub stage: Box<dyn Stage>,
    /// What stands for its kind in keys: the name of a built-in one.
    pub kind: String,
    /// The version of its kind, part of the key.
    pub version: u32,
    /// Its options as canonical JSON: defaults filled in, keys sorted.
    pub options: String,
}
