//! The ways in which the agent errs.

/// One way to err; an episode may see several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mistake {
    /// An identifier with a slip of the pen.
    MistypedIdentifier,
    /// Arguments that are not valid JSON.
    MalformedArguments,
    /// An argument under a name that the tool does not have.
    MisnamedArgument,
    /// A tool that does not exist.
    UnknownTool,
    /// The same call once more, to no purpose.
    RepeatedCall,
    /// A change other than the one asked for.
    WrongValue,
    /// A change against the policy.
    ForbiddenChange,
    /// A request declined that could have been met.
    WronglyDeclined,
    /// A change made without asking for a yes.
    SkippedConfirmation,
    /// A price that was not calculated.
    InventedPrice,
    /// A change reported that was never made.
    ClaimedWithoutActing,
    /// Handing over although the tools suffice.
    GaveUp,
}

impl Mistake {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::MistypedIdentifier,
        Self::MalformedArguments,
        Self::MisnamedArgument,
        Self::UnknownTool,
        Self::RepeatedCall,
        Self::WrongValue,
        Self::ForbiddenChange,
        Self::WronglyDeclined,
        Self::SkippedConfirmation,
        Self::InventedPrice,
        Self::ClaimedWithoutActing,
        Self::GaveUp,
    ];
}
