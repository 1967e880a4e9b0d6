//! Projects of plugins, as far as no toolchain is needed: what `plugin new` makes, and what `plugin build` says where it
//! cannot build.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::harness::Workplace;

/// Every kind of plugin in every language.
pub(crate) const PROJECTS: [(&str, &str); 18] = [
    ("rust", "reward"),
    ("rust", "reflect"),
    ("rust", "relabel"),
    ("rust", "advantage"),
    ("rust", "batch"),
    ("rust", "environment"),
    ("python", "reward"),
    ("python", "reflect"),
    ("python", "relabel"),
    ("python", "advantage"),
    ("python", "batch"),
    ("python", "environment"),
    ("js", "reward"),
    ("js", "reflect"),
    ("js", "relabel"),
    ("js", "advantage"),
    ("js", "batch"),
    ("js", "environment"),
];

/// The names of a project's files, without those of the SDK.
fn own_files(place: &Workplace, name: &str) -> Vec<String> {
    let files = place.files(name).into_keys();
    files.filter(|file| !["sdk/", "sternlight/", "node_modules/"].iter().any(|sdk| file.starts_with(sdk))).collect()
}

#[test]
fn a_project_has_what_it_takes() {
    let place = Workplace::new();
    let mut made: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (language, kind) in PROJECTS {
        let name = format!("{language}-{kind}");
        let told = place.said(&["plugin", "new", &name, "--lang", language, "--kind", kind, "--quiet"]);
        assert_eq!(told, "exit code 0\n", "{name}");
        let _ = write!(made.entry(own_files(&place, &name)).or_default(), " {name}");
        for (file, text) in place.files(&name) {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains("my-plugin") && !text.contains("my_plugin"), "{name}/{file}");
        }
    }
    let shown =
        made.into_iter().map(|(files, projects)| format!("{}\n   {projects}\n", files.join(", "))).collect::<String>();
    insta::assert_snapshot!(shown, @"
    .gitignore, Cargo.toml, README.md, data/trajectories.jsonl, pipeline.yaml, rustfmt.toml, src/lib.rs
        rust-reward rust-reflect rust-relabel rust-advantage rust-batch
    .gitignore, Cargo.toml, README.md, pipeline.yaml, rustfmt.toml, src/lib.rs
        rust-environment
    .gitignore, README.md, data/trajectories.jsonl, package.json, pipeline.yaml, plugin.js, plugin.test.js
        js-reward js-reflect js-relabel js-advantage js-batch
    .gitignore, README.md, data/trajectories.jsonl, pipeline.yaml, plugin.py, test_plugin.py
        python-reward python-reflect python-relabel python-advantage python-batch
    .gitignore, README.md, package.json, pipeline.yaml, plugin.js, plugin.test.js
        js-environment
    .gitignore, README.md, pipeline.yaml, plugin.py, test_plugin.py
        python-environment
    ");
    // All of the SDK that a build or a test needs.
    let sdk = |name: &str, file: &str| assert!(place.path(&format!("{name}/{file}")).is_file(), "{name}/{file}");
    sdk("rust-reward", "sdk/src/bindings/batch.rs");
    sdk("python-reward", "sternlight/worlds/reward.py");
    sdk("js-reward", "sdk/about.js");
    sdk("js-reward", "node_modules/sternlight/testing.js");
}

#[test]
fn new_says_how_to_go_on() {
    let place = Workplace::new();
    let new = |name: &str, language: &str, kind: &str| {
        place.said(&["plugin", "new", name, "--lang", language, "--kind", kind])
    };
    insta::assert_snapshot!(new("few-turns", "python", "reward"), @"
    exit code 0
    --- stdout
    made the plugin few-turns in Python; its README.md tells more
      cd few-turns
      python3 -m unittest             runs its tests, without WebAssembly
      sternlight plugin build         makes the component
      sternlight run pipeline.yaml    uses it in a pipeline
    ");
    insta::assert_snapshot!(new("few-turns", "js", "reward"), @"
    exit code 2
    --- stderr
    error: `few-turns` is there already
    help: choose another name, or remove it first
    ");
    insta::assert_snapshot!(new("few turns", "js", "reward"), @"
    exit code 2
    --- stderr
    error: a plugin cannot be called `few turns`: expected small letters, digits and hyphens, as in `few-calls`
    ");
    let told = place.sternlight(&["plugin", "new", "again", "--lang", "rust", "--kind", "reflect", "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["directory"], "again");
    let files = told["files"].as_array().unwrap();
    assert_eq!(files.len(), place.files("again").len());
}

/// But for the component, which is not built yet.
#[test]
fn pipelines_of_projects_are_right() {
    let place = Workplace::new();
    for (language, kind) in PROJECTS {
        let name = format!("{language}-{kind}");
        place.said(&["plugin", "new", &name, "--lang", language, "--kind", kind]);
        let told = place.said(&["check", &format!("{name}/pipeline.yaml")]);
        let component = name.replace('-', "_");
        assert!(told.contains(&format!("error: cannot read the plugin `./{component}.wasm`")), "{name}: {told}");
        assert!(told.contains("\nerror: 1 problem\n"), "{name}: {told}");
    }
}

#[test]
fn what_cannot_be_built_is_told() {
    let place = Workplace::new();
    let build =
        |folder: &str| place.told(&place.command(&["plugin", "build", folder]).env("PATH", "").output().unwrap());
    insta::assert_snapshot!(build("nowhere"), @"
    exit code 2
    --- stderr
    error: there is no folder `nowhere`
    ");
    place.write("empty/README.md", "nothing");
    insta::assert_snapshot!(build("empty"), @"
    exit code 2
    --- stderr
    error: `empty` is no plugin: expected a `Cargo.toml`, `plugin.py`, `plugin.js` or `plugin.ts` in it
    help: `sternlight plugin new NAME --lang python --kind reward` makes one to begin with
    ");
    place.write("two/plugin.py", "");
    place.write("two/plugin.js", "");
    insta::assert_snapshot!(build("two"), @"
    exit code 2
    --- stderr
    error: `two` has both `plugin.py` and `plugin.js`, expected one plugin in a folder
    ");
    place.write("rust/Cargo.toml", "");
    insta::assert_snapshot!(build("rust"), @"
    exit code 1
    --- stderr
    error: `cargo` is not there, which the build needs
    help: install Rust: https://rustup.rs
    ");
    place.write("python/plugin.py", "");
    insta::assert_snapshot!(build("python"), @"
    exit code 1
    --- stderr
    error: `python3` is not there, which the build needs
    help: install Python 3.10 or newer
    ");
    place.write("js/plugin.ts", "");
    insta::assert_snapshot!(build("js"), @"
    exit code 1
    --- stderr
    error: `node` is not there, which the build needs
    help: install Node.js 20 or newer: https://nodejs.org
    ");
}

#[test]
fn a_crate_that_is_no_plugin_is_told_apart() {
    let place = Workplace::new();
    let package = "[package]\nname = \"few\"\nedition = \"2024\"\n[workspace]\n";
    place.write("few/Cargo.toml", package);
    place.write("few/src/lib.rs", "");
    insta::assert_snapshot!(place.said(&["plugin", "build", "few"]), @r#"
    exit code 2
    --- stderr
    error: the package `few` is no dynamic library
    help: write `[lib]` and below it `crate-type = ["cdylib", "rlib"]` into its Cargo.toml
    "#);
    place.write("all/Cargo.toml", "[workspace]\nmembers = [\"one\"]\nresolver = \"3\"\n");
    place.write("all/one/Cargo.toml", package.replace("[workspace]\n", ""));
    place.write("all/one/src/lib.rs", "");
    insta::assert_snapshot!(place.said(&["plugin", "build", "all"]), @"
    exit code 2
    --- stderr
    error: `HERE/all/Cargo.toml` is no package of its own
    help: name the folder of one of its members
    ");
}
