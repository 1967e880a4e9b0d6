//! The ports of a stage: what it takes by which name, and what it hands on.

use crate::artifact::ArtifactKind;
use crate::contract::DATA;

/// What may come in by a port, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPort {
    /// Its name in `from`.
    pub name: &'static str,
    /// What it takes: any of these.
    pub kinds: &'static [ArtifactKind],
    /// Whether nothing need come in.
    pub optional: bool,
    /// How many may come in.
    pub arity: Arity,
}

/// How many artifacts a port takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// One.
    One,
    /// Several datasets of the same columns, which the stage sees as one.
    Joined,
    /// Several, which the stage sees one by one.
    Several,
}

/// What comes out by a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPort {
    /// Its name: `split.validation` is that of `split` named `validation`.
    pub name: String,
    /// What it is.
    pub kind: ArtifactKind,
}

/// The ports of a stage. The first input is the one that `from: NAME` binds, the first output the one that the name of the
/// stage alone stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// What it takes.
    pub inputs: Vec<InputPort>,
    /// What it hands on.
    pub outputs: Vec<OutputPort>,
}

impl InputPort {
    /// A port that one artifact must come in by.
    pub const fn one(name: &'static str, kinds: &'static [ArtifactKind]) -> Self {
        Self { name, kinds, optional: false, arity: Arity::One }
    }

    /// The dataset whose rows the stage's work is cut by: one, or several of the same columns.
    pub const fn data() -> Self {
        Self { arity: Arity::Joined, ..Self::one(DATA, &[ArtifactKind::Dataset]) }
    }

    /// A port that nothing need come in by.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// A port that several may come in by.
    #[must_use]
    pub const fn several(self) -> Self {
        Self { arity: Arity::Several, ..self }
    }
}

impl OutputPort {
    /// An output of this name.
    pub fn new(name: impl Into<String>, kind: ArtifactKind) -> Self {
        Self { name: name.into(), kind }
    }
}

impl Ports {
    /// The same with one more input.
    #[must_use]
    pub fn input(mut self, port: InputPort) -> Self {
        self.inputs.push(port);
        self
    }

    /// The same with one more output.
    #[must_use]
    pub fn output(mut self, name: impl Into<String>, kind: ArtifactKind) -> Self {
        self.outputs.push(OutputPort::new(name, kind));
        self
    }
}
