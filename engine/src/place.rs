//! Where a path leads, whether or not everything on the way is there yet, and whether two paths are one place.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};

/// As many links as systems follow before they give up.
const LINKS: usize = 40;

/// The place that an absolute path leads to: without `.`, `..` and links. What is not there is taken as it is spelled.
pub fn resolved(path: &Path) -> PathBuf {
    let mut rest: VecDeque<OsString> = parts(path).collect();
    let (mut place, mut links) = (PathBuf::new(), 0);
    while let Some(part) = rest.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => drop(place.pop()),
            Some(Component::Normal(name)) => {
                let next = place.join(name);
                match fs::read_link(&next) {
                    Ok(target) if links < LINKS => {
                        links += 1;
                        parts(&target).rev().for_each(|part| rest.push_front(part));
                    }
                    _ => place = next,
                }
            }
            // What is absolute begins anew.
            Some(Component::RootDir | Component::Prefix(_)) => place.push(part),
            Some(Component::CurDir) | None => {}
        }
    }
    place
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().map(|part| part.as_os_str().to_owned())
}

/// The directory of a path as it is, and its last part as it is spelled: a link stays one.
pub(crate) fn in_its_directory(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => resolved(path),
    }
}

/// Resolves many paths, of which most share their directories.
#[derive(Default)]
pub(crate) struct Resolver {
    directories: BTreeMap<PathBuf, PathBuf>,
}

impl Resolver {
    pub(crate) fn resolved(&mut self, path: &Path) -> PathBuf {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return resolved(path) };
        let known = self.directories.entry(parent.to_owned()).or_insert_with(|| resolved(parent));
        let place = known.join(name);
        if is_link(&place) { resolved(&place) } else { place }
    }
}

/// Whether a link lies at a path.
pub fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Whether a link lies on the way from a directory to a path below it, or at its end.
pub(crate) fn is_linked(directory: &Path, path: &Path) -> bool {
    path.ancestors().take_while(|part| *part != directory).any(is_link)
}

/// Whether a directory, and no link to one, lies at a path.
pub(crate) fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether a file, and no link to one, lies at a path.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Whether two resolved paths are one place. Names that differ in case alone are, where the file system says so; a file
/// with two names has two places.
pub(crate) fn is_same(left: &Path, right: &Path) -> bool {
    if left == right {
        return true;
    }
    let is_same_name = || folded(left) == folded(right);
    match (fs::metadata(left), fs::metadata(right)) {
        (Ok(one), Ok(other)) if one.is_dir() => is_one(&one, &other),
        (Ok(one), Ok(other)) => is_same_name() && is_one(&one, &other),
        (Err(_), Err(_)) => is_same_name() && ignores_case(left),
        _ => false,
    }
}

/// Whether a resolved path lies below a directory, which is one as well.
pub(crate) fn is_below(path: &Path, directory: &Path) -> bool {
    path != directory
        && (path.starts_with(directory) || path.ancestors().skip(1).any(|above| is_same(above, directory)))
}

fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

#[cfg(unix)]
fn is_one(left: &Metadata, right: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn is_one(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// Whether names that differ in case are one where something would be made: asked of what is there, spelled otherwise.
fn ignores_case(path: &Path) -> bool {
    let Some(directory) = path.ancestors().find(|above| above.is_dir()) else { return false };
    let names = fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()));
    let spelled: Option<(OsString, String)> = names.into_iter().find_map(|name| {
        let text = name.to_str()?;
        let other = if text.to_uppercase() == text { text.to_lowercase() } else { text.to_uppercase() };
        (other != text).then(|| (name.clone(), other))
    });
    let Some((name, other)) = spelled else { return false };
    match (fs::symlink_metadata(directory.join(name)), fs::symlink_metadata(directory.join(other))) {
        (Ok(one), Ok(other)) => is_one(&one, &other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_and_dots_are_followed_and_what_is_not_there_is_taken_as_spelled() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        symlink("real/deep", root.join("relative")).unwrap();
        symlink(root.join("relative"), root.join("absolute")).unwrap();
        symlink("nowhere/else", root.join("dangling")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        for (path, place) in [
            ("x/../out", "out"),
            ("./a/./b", "a/b"),
            ("relative/../out", "real/out"),
            ("absolute/out", "real/deep/out"),
            ("dangling/out", "nowhere/else/out"),
            ("circle/out", "circle/out"),
        ] {
            assert_eq!(resolved(&root.join(path)), root.join(place), "{path}");
        }
        assert_eq!(in_its_directory(&root.join("absolute/../relative")), root.join("real/relative"));
        let mut resolver = Resolver::default();
        for path in ["absolute/out", "absolute", "dangling"] {
            assert_eq!(resolver.resolved(&root.join(path)), resolved(&root.join(path)), "{path}");
        }
    }

    #[test]
    fn a_file_of_two_names_has_two_places_and_case_matters_where_the_system_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::write(root.join("one"), "x").unwrap();
        fs::hard_link(root.join("one"), root.join("two")).unwrap();
        assert!(!is_same(&root.join("one"), &root.join("two")));
        // One answer before anything is there, and another way to find it afterwards.
        let before = is_same(&root.join("out"), &root.join("OUT"));
        fs::create_dir(root.join("out")).unwrap();
        assert_eq!(root.join("OUT").exists(), before);
        assert!(is_below(&root.join("out/part"), &root.join("out")));
        assert!(!is_below(&root.join("out"), &root.join("out")) && !is_below(&root.join("output"), &root.join("out")));
    }
}
