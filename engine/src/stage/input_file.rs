//! Files that a stage's options name.

/// A file that `with` names, read when the stage was built: what the result depends on is what was read then, however
/// the file is edited while a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// As the pipeline spells it: part of the key.
    pub name: String,
    /// blake3 of its contents, in hexadecimal: part of the key.
    pub digest: String,
}

impl InputFile {
    /// A file of this name with these contents.
    pub fn new(name: impl Into<String>, contents: &[u8]) -> Self {
        Self { name: name.into(), digest: blake3::hash(contents).to_hex().to_string() }
    }
}
