//! The languages that projects are written in, and how to tell them.

use std::fmt;
use std::path::Path;

use super::error::ProjectError;

/// A language with an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Compiled by cargo.
    Rust,
    /// Run by CPython, which the component carries.
    Python,
    /// Run by QuickJS, which the component carries. TypeScript too.
    JavaScript,
}

/// Files that a project of each language has.
const MARKS: [(&str, Language); 4] = [
    ("Cargo.toml", Language::Rust),
    ("plugin.py", Language::Python),
    ("plugin.js", Language::JavaScript),
    ("plugin.ts", Language::JavaScript),
];

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// Its short name, which folders of templates have too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// The language of the project in a folder.
    ///
    /// # Errors
    /// If there is none, or if it cannot be told.
    pub(super) fn of(directory: &Path) -> Result<Self, ProjectError> {
        let shown = directory.display();
        if !directory.is_dir() {
            return Err(ProjectError::wrong(format!("there is no folder `{shown}`")));
        }
        let marks = MARKS.iter().filter(|(mark, _)| directory.join(mark).is_file());
        let found: Vec<&(&str, Self)> = marks.collect();
        match found.as_slice() {
            [] => Err(ProjectError::wrong(format!(
                "`{shown}` is no plugin: expected a `Cargo.toml`, `plugin.py`, `plugin.js` or `plugin.ts` in it"
            ))
            .help("`sternlight plugin new NAME --lang python --kind reward` makes one to begin with")),
            [(_, language)] => Ok(*language),
            [(first, _), (second, _), ..] => Err(ProjectError::wrong(format!(
                "`{shown}` has both `{first}` and `{second}`, expected one plugin in a folder"
            ))),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        })
    }
}
