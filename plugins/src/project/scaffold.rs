//! Makes projects: templates for a language and a kind, under a name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::embedded;
use super::error::ProjectError;
use super::language::Language;
use crate::World;

/// What stands for the name in templates: of the plugin, and of its component's file.
const NAME: &str = "my-plugin";
const FILE: &str = "my_plugin";

/// Longer ones make paths that some systems refuse.
const MAXIMUM_NAME: usize = 64;

/// Names that a crate or a package of a project cannot have.
const TAKEN: [&str; 9] =
    ["alloc", "core", "proc-macro", "schemars", "serde", "std", "sternlight", "sternlight-plugin", "test"];

/// Makes a project called `name` in the folder of that name below `parent`. Gives its files, by their names in the folder.
///
/// # Errors
/// If the name cannot be one, or if the folder is there.
pub fn create(parent: &Path, name: &str, language: Language, kind: World) -> Result<Vec<String>, ProjectError> {
    check_name(name)?;
    let files = files(name, language, kind);
    let directory = parent.join(name);
    fs::create_dir(&directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            ProjectError::wrong(format!("`{name}` is there already")).help("choose another name, or remove it first")
        }
        _ => ProjectError::file("make", &directory, &error),
    })?;
    let texts = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let written = embedded::write(&directory, texts).and_then(|()| match language {
        Language::JavaScript => link_sdk(&directory),
        Language::Rust | Language::Python => Ok(()),
    });
    written.map_err(|error| ProjectError::file("write to", &directory, &error))?;
    Ok(files.into_keys().collect())
}

fn check_name(name: &str) -> Result<(), ProjectError> {
    let wrong = |message: String| Err(ProjectError::wrong(message));
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_kebab = name.split('-').all(|word| !word.is_empty() && is_word(word));
    if !is_kebab || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        let expected = "expected small letters, digits and hyphens, as in `few-calls`";
        return wrong(format!("a plugin cannot be called `{}`: {expected}", name.escape_debug()));
    }
    if name.len() > MAXIMUM_NAME {
        return wrong(format!("a plugin's name has at most {MAXIMUM_NAME} characters, found {}", name.len()));
    }
    if TAKEN.contains(&name) {
        return wrong(format!(
            "a plugin cannot be called `{name}`, which is the name of a package that plugins are made of"
        ));
    }
    Ok(())
}

/// The files of a project, with the SDK among them: it is in no registry, and tests need it at once.
fn files(name: &str, language: Language, kind: World) -> BTreeMap<String, String> {
    let own = format!("templates/{}/{kind}", language.name());
    let common = format!("templates/{}/common", language.name());
    let pipeline = format!("templates/kinds/{kind}");
    // What a kind has of its own replaces what all have.
    let mut folders = vec![common.as_str(), &pipeline, &own];
    // An environment makes its own episodes.
    if kind != World::Environment {
        folders.push("templates/data");
    }
    let named = |text: &str| text.replace(NAME, name).replace(FILE, &name.replace('-', "_"));
    let texts = folders.into_iter().flat_map(embedded::below);
    let mut files: BTreeMap<String, String> = texts.map(|(file, text)| (file.to_owned(), named(text))).collect();
    let (sdk, prefix) = match language {
        Language::Rust => ("sdk/rust", "sdk"),
        // Python looks for packages beside the module.
        Language::Python => ("sdk/python/sternlight", "sternlight"),
        Language::JavaScript => ("sdk/js", "sdk"),
    };
    files.extend(embedded::below(sdk).map(|(file, text)| (format!("{prefix}/{file}"), text.to_owned())));
    if language == Language::Python {
        let readme = embedded::below("sdk/python").find(|(file, _)| *file == "README.md");
        files.extend(readme.map(|(file, text)| (format!("{prefix}/{file}"), text.to_owned())));
    }
    files
}

/// What npm makes of a dependency that is a folder, so that tests run before npm does.
fn link_sdk(directory: &Path) -> io::Result<()> {
    let packages = directory.join("node_modules");
    fs::create_dir(&packages)?;
    #[cfg(unix)]
    return std::os::unix::fs::symlink("../sdk", packages.join("sternlight"));
    #[cfg(not(unix))]
    embedded::write(&packages.join("sternlight"), embedded::below("sdk/js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, language: Language, kind: World) -> String {
        let directory = tempfile::tempdir().unwrap();
        let error = create(directory.path(), name, language, kind).unwrap_err();
        assert!(error.is_wrong_request);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error.message
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let refused = |name: &str| message(name, Language::Python, World::Reward);
        insta::assert_snapshot!(refused("Few_Calls"), @"a plugin cannot be called `Few_Calls`: expected small letters, digits and hyphens, as in `few-calls`");
        insta::assert_snapshot!(refused("../few"), @"a plugin cannot be called `../few`: expected small letters, digits and hyphens, as in `few-calls`");
        insta::assert_snapshot!(refused("std"), @"a plugin cannot be called `std`, which is the name of a package that plugins are made of");
        for name in ["", "-", "a--b", "a-", "1a", "a b", "a\n", "ä", "a/b", "."] {
            assert!(refused(name).contains("expected small letters"), "{name:?}");
        }
        insta::assert_snapshot!(refused(&"a".repeat(65)), @"a plugin's name has at most 64 characters, found 65");
    }

    #[test]
    fn every_kind_is_there_in_every_language() {
        for (language, kind) in Language::ALL.iter().flat_map(|language| World::ALL.map(|kind| (*language, kind))) {
            let files = files("few-calls", language, kind);
            let source = match language {
                Language::Rust => "src/lib.rs",
                Language::Python => "plugin.py",
                Language::JavaScript => "plugin.js",
            };
            for name in ["README.md", "pipeline.yaml", ".gitignore", source] {
                assert!(files.contains_key(name), "{language} {kind}: {name}");
            }
            for (name, text) in &files {
                assert!(!text.contains(NAME) && !text.contains(FILE), "{language} {kind}: {name}");
            }
        }
    }
}
