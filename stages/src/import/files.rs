//! Which files `files:` names, and what each is called in ids and messages. Does not open them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::Pattern;
use sternlight_engine::place::resolved;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::regular_file;
use sternlight_engine::stage::StageError;

use super::options::Files;
use super::policy_names::policies;
use super::same_file::SameFiles;
use super::table_folders::table_folders;
use super::walk::{Glob, MATCHING, Unlisted};

/// Endings that say how a file is written, and nothing about what it is.
const KNOWN_ENDINGS: [&str; 6] = [".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".zst"];

/// The files of an import.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<InputFile>,
    /// What looks wrong with them.
    pub(super) warnings: Vec<String>,
}

/// A file to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputFile {
    /// Where it lies, absolute.
    pub(super) path: PathBuf,
    /// Its path below the glob's fixed root, with `/`: part of ids and keys.
    pub(super) name: String,
    /// For messages: its path as seen from the pipeline's directory.
    pub(super) shown: String,
    /// What the policy is called if nothing but the names of files tells; empty if the option does.
    pub(super) policy: String,
}

impl InputFile {
    /// The name without known endings.
    pub(super) fn stem(&self) -> &str {
        let mut stem = self.name.as_str();
        while let Some(shorter) = KNOWN_ENDINGS.iter().find_map(|ending| stem.strip_suffix(ending))
            && !shorter.is_empty()
            && !shorter.ends_with('/')
        {
            stem = shorter;
        }
        stem
    }

    /// An error of the operating system, or of a decompressor.
    pub(super) fn unreadable(&self, error: &std::io::Error) -> StageError {
        StageError::file("read", self.shown.as_ref(), error)
            .help("if it is compressed, it may be cut off or damaged: try to decompress it")
    }

    /// The stem without directories.
    fn base(&self) -> &str {
        let stem = self.stem();
        stem.rsplit_once('/').map_or(stem, |(_, name)| name)
    }
}

/// Every file that is named, pattern by pattern, the matches of each sorted.
pub(super) fn list(files: &Files, directory: &Path, current_directory: &Path) -> Result<Listing, Vec<Problem>> {
    if files.0.is_empty() {
        return Err(Problem::at(["files"], "`files` is empty, expected at least one path or glob").into());
    }
    let (mut listed, mut known, mut problems) = (Vec::new(), SameFiles::default(), Vec::new());
    for (index, pattern) in files.0.iter().enumerate() {
        let place = |problem: Problem| Problem { path: place_of(files, index), ..problem };
        match matching(pattern, directory) {
            Err(problem) => problems.push(place(problem)),
            Ok(matches) if matches.is_empty() => problems.push(place(no_match(pattern, directory, current_directory))),
            Ok(mut matches) => {
                matches.sort_by(|left, right| left.name.cmp(&right.name));
                listed.extend(matches.into_iter().filter(|file| known.is_new(file)));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let names = policies(&listed.iter().map(InputFile::stem).collect::<Vec<_>>());
    listed.iter_mut().zip(names).for_each(|(file, policy)| file.policy = policy);
    let warnings = known.warning().into_iter().chain(table_folders(&listed)).collect();
    Ok(Listing { files: listed, warnings })
}

/// Whether a file at a place, without links on the way, would be among them.
pub(super) fn matches(files: &Files, directory: &Path, place: &Path) -> bool {
    files.0.iter().any(|pattern| {
        let fixed = fixed_root(pattern);
        let root = resolved(&directory.join(fixed));
        let rest = pattern.get(fixed.len()..).unwrap_or_default().trim_start_matches('/');
        let whole = format!("{}/{rest}", Pattern::escape(&root.to_string_lossy()).trim_end_matches('/'));
        place == root.join(rest) || Pattern::new(&whole).is_ok_and(|glob| glob.matches_path_with(place, MATCHING))
    })
}

/// Checks that no two files would give their rows the same ids.
pub(super) fn distinct_stems<'a>(files: impl Iterator<Item = &'a InputFile>) -> Result<(), Problem> {
    let mut seen: BTreeMap<&str, &InputFile> = BTreeMap::new();
    for file in files {
        if let Some(other) = seen.insert(file.stem(), file) {
            return Err(Problem::at(
                ["files"],
                format!("`{}` and `{}` would both be called `{}` in ids", other.shown, file.shown, file.stem()),
            )
            .help(
                "use one glob that begins above both, such as `runs/**/*.json`: ids use the path below its fixed part",
            ));
        }
    }
    Ok(())
}

/// The place of a pattern below `with`: of the list's element, or of the text.
fn place_of(files: &Files, index: usize) -> Vec<Segment> {
    match files.0.len() {
        1 => vec!["files".into()],
        _ => vec!["files".into(), index.into()],
    }
}

fn no_match(pattern: &str, directory: &Path, current_directory: &Path) -> Problem {
    let problem = Problem::at(["files"], format!("nothing matches `{pattern}` in `{}`", directory.display()));
    match matching(pattern, current_directory) {
        Ok(matches) if !matches.is_empty() => problem
            .label("matches from the current directory only")
            .help("paths begin at the pipeline's own directory, not where the command runs: write it from there, or as an absolute path"),
        _ => problem.help("paths begin at the pipeline's own directory; `*` stays within one directory, `**` crosses them"),
    }
}

fn matching(pattern: &str, directory: &Path) -> Result<Vec<InputFile>, Problem> {
    let literal = directory.join(pattern);
    if literal.is_dir() {
        return Err(Problem::at(["files"], format!("`{pattern}` is a directory, expected a file or a glob")).help(
            format!("name the files in it with their ending, as in `{}/*.parquet`", pattern.trim_end_matches('/')),
        ));
    }
    if literal.is_file() {
        let root = literal.parent().unwrap_or(directory).to_owned();
        return Ok(vec![input_file(literal, &root, directory)?]);
    }
    if let Err(error) = regular_file::check_if_there(&literal) {
        return Err(Problem::at(["files"], format!("cannot read `{pattern}`: {error}")));
    }
    let fixed = fixed_root(pattern);
    let root = directory.join(fixed);
    let rest = pattern.get(fixed.len()..).unwrap_or_default().trim_start_matches('/');
    let glob = Glob::parse(rest)
        .map_err(|error| Problem::at(["files"], format!("`{pattern}` is not a glob: {}", error.msg)))?;
    let paths = glob.files(&root).map_err(|Unlisted { directory, error }| {
        Problem::at(["files"], format!("cannot list `{}`: {error}", directory.display()))
    })?;
    paths.into_iter().map(|path| input_file(path, &root, directory)).collect()
}

/// The leading directories of a glob that hold no wildcard.
fn fixed_root(pattern: &str) -> &str {
    let wildcard = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let end = pattern.get(..wildcard).and_then(|fixed| fixed.rfind('/')).map_or(0, |slash| slash + 1);
    pattern.get(..end).unwrap_or_default()
}

fn input_file(path: PathBuf, root: &Path, directory: &Path) -> Result<InputFile, Problem> {
    let below = path.strip_prefix(root).unwrap_or(&path);
    let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
    let Some(parts) = parts else {
        return Err(Problem::at(["files"], format!("the name of `{}` is not valid UTF-8", path.display())));
    };
    let shown = path.strip_prefix(directory).unwrap_or(&path).display().to_string();
    let file = InputFile { name: parts.join("/"), shown, path, policy: String::new() };
    let policy = file.base().to_owned();
    Ok(InputFile { policy, ..file })
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

    fn names(patterns: &[&str], directory: &Path) -> Vec<String> {
        let files = Files(patterns.iter().map(|pattern| (*pattern).to_owned()).collect());
        list(&files, directory, directory).unwrap().files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn names_begin_below_the_fixed_root_and_are_sorted() {
        let tree = tree(&["runs/b.json", "runs/a.json", "runs/x/c.json", "runs/.hidden.json", "odd[1].json"]);
        assert_eq!(names(&["runs/*.json"], tree.path()), ["a.json", "b.json"]);
        assert_eq!(names(&["**/*.json"], tree.path()), ["odd[1].json", "runs/a.json", "runs/b.json", "runs/x/c.json"]);
        assert_eq!(names(&["runs/b.json", "runs/*.json"], tree.path()), ["b.json", "a.json"]);
        assert_eq!(names(&["odd[1].json"], tree.path()), ["odd[1].json"]);
        let absolute = tree.path().join("runs/*.json");
        assert_eq!(names(&[absolute.to_str().unwrap()], tree.path()), ["a.json", "b.json"]);
    }

    #[test]
    fn a_file_that_is_not_there_yet_would_match() {
        let tree = tree(&["runs/a.json"]);
        let root = tree.path().canonicalize().unwrap();
        let would = |pattern: &str, name: &str| matches(&Files(vec![pattern.to_owned()]), &root, &root.join(name));
        assert!(
            would("runs/*.json", "runs/out.json")
                && would("**/*.json", "x/y/out.json")
                && would("out.json", "out.json")
        );
        assert!(would("runs/../out.json", "out.json"));
        assert!(!would("runs/*.json", "runs/out.jsonl") && !would("runs/*.json", "runs/x/out.json"));
        assert!(!would("runs/*.json", "runs/.out.json"));
    }

    #[test]
    fn stems_lose_known_endings_only() {
        let stem = |name: &str| {
            let (path, shown, policy) = (PathBuf::new(), String::new(), String::new());
            let file = InputFile { path, name: name.to_owned(), shown, policy };
            (file.stem().to_owned(), file.base().to_owned())
        };
        assert_eq!(stem("x/run.v1.json.zst"), ("x/run.v1".to_owned(), "run.v1".to_owned()));
        assert_eq!(stem("a.trajectory.jsonl.gz").0, "a.trajectory");
        assert_eq!(stem("x/.json").0, "x/.json");
    }

    #[test]
    fn a_pattern_that_matches_from_the_current_directory_only_says_so() {
        let (here, there) = (tree(&["a.json"]), tree(&["b.txt", "sub/a.json"]));
        let error = list(&Files(vec!["a.json".to_owned()]), there.path(), here.path()).unwrap_err().remove(0);
        assert_eq!(error.label.as_deref(), Some("matches from the current directory only"));
        let error = list(&Files(vec!["c.json".to_owned()]), there.path(), here.path()).unwrap_err().remove(0);
        assert_eq!(error.label, None);
        let files = Files(["x*", "b.txt", "sub"].map(str::to_owned).to_vec());
        let errors = list(&files, there.path(), here.path()).unwrap_err();
        assert_eq!(errors[0].path, vec![Segment::from("files"), Segment::from(0)]);
        assert_eq!(errors[1].path, vec![Segment::from("files"), Segment::from(2)]);
        insta::assert_snapshot!(errors[1].message, @"`sub` is a directory, expected a file or a glob");
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let tree = tree(&["one/a.json", "two/a.jsonl"]);
        let files = Files(vec!["one/*".to_owned(), "two/*".to_owned()]);
        let listed = list(&files, tree.path(), tree.path()).unwrap();
        insta::assert_snapshot!(
            distinct_stems(listed.files.iter()).unwrap_err().message,
            @"`one/a.json` and `two/a.jsonl` would both be called `a` in ids"
        );
    }
}
