//! Something wrong with a pipeline file, found before anything runs. Where it lies is a path into the YAML;
//! the pipeline loader turns paths into lines and columns.

use std::fmt;
use std::ops::Range;

/// One step of a path into a YAML document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value under a key.
    Key(String),
    /// An element of a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => formatter.write_str(key),
            Self::Index(index) => write!(formatter, "{index}"),
        }
    }
}

/// A problem with an option of a stage, or with a stage as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, below the stage's `with`; empty: the `with` as a whole, or `uses` if there is none.
    pub path: Vec<Segment>,
    /// Byte range inside the text of that value, where the fault lies in a part of it (an expression).
    pub within: Option<Range<usize>>,
    /// Whether the key at the end of the path is at fault, rather than its value.
    pub at_key: bool,
    /// What is wrong: lower case, no full stop, names in backticks, what was expected and what was found.
    pub message: String,
    /// A few words that stand beside the marked place.
    pub label: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with the value at this path below `with`.
    pub fn at<S: Into<Segment>>(path: impl IntoIterator<Item = S>, message: impl Into<String>) -> Self {
        Self {
            path: path.into_iter().map(Into::into).collect(),
            within: None,
            at_key: false,
            message: message.into(),
            label: None,
            help: None,
        }
    }

    /// A problem with the stage as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self::at(Vec::<Segment>::new(), message)
    }

    /// With the next action.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With words beside the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// About the key at the end of the path rather than its value.
    #[must_use]
    pub fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }

    /// Narrowed to a byte range of the value's text.
    #[must_use]
    pub fn within(mut self, range: Range<usize>) -> Self {
        self.within = Some(range);
        self
    }
}

impl From<Problem> for Vec<Problem> {
    fn from(problem: Problem) -> Self {
        vec![problem]
    }
}

/// The known name nearest to what was written, if any is near enough to be meant.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| {
            let (shorter, longer) = if written.len() < name.len() { (written, *name) } else { (*name, written) };
            let is_begun = shorter.len() >= 4 && longer.starts_with(shorter);
            is_begun || *distance <= (name.len().max(written.len()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_is_near_enough_is_meant() {
        let known = ["grpo", "rloo", "group_id", "advantage"];
        let meant = ["grop", "rlo", "group", "advantge", "ppo", "gr", "reward"].map(|written| nearest(written, known));
        assert_eq!(meant, [Some("grpo"), Some("rloo"), Some("group_id"), Some("advantage"), None, None, None]);
    }
}
