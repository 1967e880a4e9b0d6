//! Finds the files that a glob names. `**` crosses directories, but never a link to one, so that no file is reached by
//! way of a link that lies beside it, and links that lead in circles end. Not concerned with what files are called.

use std::collections::HashSet;
use std::fs::DirEntry;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};

/// `*` stays within a directory and passes over hidden files, as in a shell.
pub(super) const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// What a component of a path must be.
#[derive(Clone, Debug)]
enum Component {
    /// This name.
    Name(String),
    /// A name that fits.
    Fitting(Pattern),
    /// Any number of directories.
    Any,
}

/// A glob below a directory.
#[derive(Clone, Debug)]
pub(super) struct Glob(Vec<Component>);

/// A directory that cannot be listed.
#[derive(Debug)]
pub(super) struct Unlisted {
    pub(super) directory: PathBuf,
    pub(super) error: io::Error,
}

impl Glob {
    /// Reads a glob.
    pub(super) fn parse(glob: &str) -> Result<Self, PatternError> {
        // The whole says where a fault lies better than a component.
        Pattern::new(glob)?;
        let component = |text: &str| match text {
            "**" => Ok(Component::Any),
            name if !name.contains(['*', '?', '[']) => Ok(Component::Name(name.to_owned())),
            pattern => Pattern::new(pattern).map(Component::Fitting),
        };
        glob.split('/').filter(|text| !text.is_empty()).map(component).collect::<Result<_, _>>().map(Self)
    }

    /// The files below a directory that it names, in no particular order.
    pub(super) fn files(&self, root: &Path) -> Result<Vec<PathBuf>, Unlisted> {
        let mut walk = Walk::default();
        walk.enter(root, &self.0)?;
        Ok(walk.files)
    }
}

#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    /// Where it was, with so many components left: two `**` lead to a place in many ways.
    seen: HashSet<(PathBuf, usize)>,
}

impl Walk {
    fn enter(&mut self, directory: &Path, components: &[Component]) -> Result<(), Unlisted> {
        let Some((first, rest)) = components.split_first() else { return Ok(()) };
        match first {
            Component::Name(name) => self.step(directory.join(name), rest),
            Component::Fitting(pattern) => {
                for entry in entries(directory)? {
                    if entry.file_name().to_str().is_some_and(|name| pattern.matches_with(name, MATCHING)) {
                        self.step(entry.path(), rest)?;
                    }
                }
                Ok(())
            }
            Component::Any => {
                if !self.seen.insert((directory.to_owned(), components.len())) {
                    return Ok(());
                }
                self.enter(directory, rest)?;
                for entry in entries(directory)? {
                    let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                    // The type of the entry itself: that of a link is not that of a directory.
                    if !is_hidden && entry.file_type().is_ok_and(|found| found.is_dir()) {
                        self.enter(&entry.path(), components)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn step(&mut self, path: PathBuf, rest: &[Component]) -> Result<(), Unlisted> {
        match rest.is_empty() {
            true if path.is_file() => self.files.push(path),
            false if path.is_dir() => self.enter(&path, rest)?,
            _ => {}
        }
        Ok(())
    }
}

/// What lies in a directory; nothing if it is none.
fn entries(directory: &Path) -> Result<Vec<DirEntry>, Unlisted> {
    let listed = std::fs::read_dir(directory).and_then(Iterator::collect);
    match listed {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        listed => listed.map_err(|error| Unlisted { directory: directory.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        directory
    }

    fn found(glob: &str, root: &Path) -> Vec<String> {
        let mut files: Vec<String> = Glob::parse(glob)
            .unwrap()
            .files(root)
            .unwrap()
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        files
    }

    #[test]
    fn stars_are_those_of_a_shell() {
        let tree = tree(&["a.json", "b.txt", ".c.json", "x/d.json", "x/y/e.json", ".z/f.json", "x/[1].json"]);
        assert_eq!(found("*.json", tree.path()), ["a.json"]);
        assert_eq!(found("**/*.json", tree.path()), ["a.json", "x/[1].json", "x/d.json", "x/y/e.json"]);
        assert_eq!(found("**/y/**/*", tree.path()), ["x/y/e.json"]);
        assert_eq!(found("**/**/*.json", tree.path()), ["a.json", "x/[1].json", "x/d.json", "x/y/e.json"]);
        assert_eq!(found("?/[de].json", tree.path()), ["x/d.json"]);
        assert_eq!(found(".z/*", tree.path()), [".z/f.json"]);
        assert_eq!(found("*/nothing/*", tree.path()), [""; 0]);
        assert_eq!(found("x/**", tree.path()), [""; 0]);
        assert!(Glob::parse("a**b").is_err() && Glob::parse("[").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_to_directories_are_not_crossed_by_two_stars() {
        use std::os::unix::fs::symlink;

        let tree = tree(&["runs/1/a.json", "elsewhere/b.json", "c.txt"]);
        let runs = tree.path().join("runs");
        symlink("1", runs.join("latest")).unwrap();
        symlink(".", runs.join("1/again")).unwrap();
        symlink(".", runs.join("1/once-more")).unwrap();
        symlink(tree.path().join("elsewhere"), runs.join("other")).unwrap();
        symlink("../../elsewhere/b.json", runs.join("1/single.json")).unwrap();
        symlink("nowhere", runs.join("1/broken.json")).unwrap();
        assert_eq!(found("**/*.json", &runs), ["1/a.json", "1/single.json"]);
        // Whoever names a link, or gives one star for it, means it.
        assert_eq!(found("latest/*.json", &runs), ["latest/a.json", "latest/single.json"]);
        assert_eq!(found("o*/*.json", &runs), ["other/b.json"]);
        assert_eq!(found("**/*.json", &runs.join("other")), ["b.json"]);
    }
}
