//! Reference pages that are made from the code: `docs/pipeline.schema.json`, a page for each stage, and the command
//! line's help. Compared with what is committed; `UPDATE=1` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;
use sternlight_engine::pipeline::pipeline_schema;
use sternlight_engine::stage::StageKind;

use crate::markdown::{is_update, root};

const NOTICE: &str =
    "<!-- Made from the code by `tests/it/generated.rs`: `UPDATE=1 cargo test --test it generated`. -->\n";

/// Every generated file, by its path below `docs`.
fn pages() -> BTreeMap<String, String> {
    let registry = sternlight_stages::registry();
    let schema = serde_json::to_string_pretty(&pipeline_schema(&registry)).unwrap();
    let mut pages = BTreeMap::from([
        ("pipeline.schema.json".to_owned(), schema + "\n"),
        ("commands.md".to_owned(), commands()),
        ("stages/README.md".to_owned(), index(registry.kinds())),
    ]);
    pages.extend(registry.kinds().map(|kind| (format!("stages/{}.md", kind.name), stage_page(kind))));
    pages
}

#[test]
fn generated_pages_are_fresh() {
    let docs = root().join("docs");
    let mut stale = Vec::new();
    for (name, text) in pages() {
        let path = docs.join(&name);
        if is_update() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).ok() != Some(text) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "stale below docs, write them with UPDATE=1: {}", stale.join(", "));
}

#[test]
fn no_page_is_left_of_a_stage_that_is_gone() {
    let pages = pages();
    for entry in fs::read_dir(root().join("docs/stages")).unwrap() {
        let name = format!("stages/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(pages.contains_key(&name), "docs/{name} belongs to no stage");
    }
}

#[test]
fn the_guide_lists_the_exit_codes_that_the_program_has() {
    let code = fs::read_to_string(root().join("src/exit.rs")).unwrap();
    let declared = code.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok());
    let guide = fs::read_to_string(root().join("docs/guide.md")).unwrap();
    let (_, section) = guide.split_once("## Exit codes\n").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok());
    let (declared, documented): (Vec<u8>, Vec<u8>) = (declared.collect(), rows.collect());
    assert_eq!(documented, declared);
    assert_eq!(declared.len(), 5);
}

fn index<'a>(kinds: impl Iterator<Item = &'a StageKind>) -> String {
    let mut text = format!("{NOTICE}\n# Stages\n\nWhat `uses:` may name.\n\n| stage | what it does |\n|---|---|\n");
    for kind in kinds {
        let _ = writeln!(text, "| [`{0}`]({0}.md) | {1} |", kind.name, kind.summary);
    }
    text
}

fn stage_page(kind: &StageKind) -> String {
    let mut generator = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    let options = (kind.schema)(&mut generator).to_value();
    let mut rows = Vec::new();
    option_rows("", &options, &mut rows);
    let mut text = format!("{NOTICE}\n# `{}`\n\n{}.\n\n{}\n\n", kind.name, kind.summary, kind.documentation.trim());
    text.push_str("## Options\n\nWhat `with` may hold. `[]` stands for each element of a list.\n\n");
    text.push_str("| option | type | default | meaning |\n|---|---|---|---|\n");
    rows.iter().for_each(|row| text.push_str(row));
    text
}

/// A row for every key of an object, followed by those of the objects inside of it.
fn option_rows(prefix: &str, object: &Value, rows: &mut Vec<String>) {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> =
        object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, schema) in properties {
        let path = format!("{prefix}{name}");
        let default = match schema.get("default") {
            Some(Value::Null) => "–".to_owned(),
            Some(default) => format!("`{default}`"),
            None if required.contains(&name.as_str()) => "required".to_owned(),
            None => "–".to_owned(),
        };
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let mut meaning = description.replace('\n', " ");
        for (value, what) in choices(schema) {
            if !what.is_empty() {
                let _ = write!(meaning, "<br>`{value}`: {what}");
            }
        }
        rows.push(format!("| `{path}` | {} | {default} | {} |\n", type_of(schema), meaning.replace('|', "\\|")));
        inner_objects(schema)
            .into_iter()
            .for_each(|(suffix, inner)| option_rows(&format!("{path}{suffix}."), inner, rows));
    }
}

/// The shapes that a value may take, alternatives of alternatives included, null apart.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let listed = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)?.as_array());
    match listed {
        Some(listed) => listed.iter().flat_map(alternatives).collect(),
        None if schema.get("type").is_some_and(|name| name == "null") => Vec::new(),
        None => vec![schema],
    }
}

/// The words among which an option chooses, and what they mean.
fn choices(schema: &Value) -> Vec<(String, String)> {
    let text = |schema: &Value, key: &str| Some(schema.get(key)?.as_str()?.replace('\n', " "));
    let described = |choice: &&Value| Some((text(choice, "const")?, text(choice, "description").unwrap_or_default()));
    alternatives(schema).iter().filter_map(described).collect()
}

fn type_of(schema: &Value) -> String {
    let mut names: Vec<String> = Vec::new();
    for alternative in alternatives(schema) {
        let words = ["const"]
            .iter()
            .filter_map(|key| alternative.get(key))
            .chain(alternative.get("enum").and_then(Value::as_array).into_iter().flatten());
        let words: Vec<String> = words.filter_map(|word| Some(format!("`{}`", word.as_str()?))).collect();
        let found = if words.is_empty() { plain_types(alternative) } else { words };
        found.into_iter().for_each(|name| {
            if !names.contains(&name) {
                names.push(name);
            }
        });
    }
    names.join(" or ")
}

fn plain_types(schema: &Value) -> Vec<String> {
    let types = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let name = |name: &str| match name {
        "string" => Some("text".to_owned()),
        "object" => Some("map".to_owned()),
        "array" => Some(schema.get("items").map_or("list".to_owned(), |items| format!("list of {}", type_of(items)))),
        "null" => None,
        other => Some(other.to_owned()),
    };
    types.into_iter().filter_map(name).collect()
}

/// Objects inside of a value, and what leads to them: `[]` for elements of a list, `.NAME` for values of a map.
fn inner_objects(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for alternative in alternatives(schema) {
        if alternative.get("properties").is_some() {
            found.push((String::new(), alternative));
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", ".NAME")] {
            let inner = alternative.get(key).map(inner_objects).unwrap_or_default();
            found.extend(inner.into_iter().map(|(rest, object)| (format!("{suffix}{rest}"), object)));
        }
    }
    // A list of the same objects as the single value tells nothing new.
    let mut distinct: Vec<(String, &Value)> = Vec::new();
    for (suffix, object) in found {
        if !distinct.iter().any(|(_, known)| known.get("properties") == object.get("properties")) {
            distinct.push((suffix, object));
        }
    }
    distinct
}

/// What `--help` says of every command.
fn commands() -> String {
    let mut text = format!("{NOTICE}\n# Commands\n");
    let help = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_sternlight")).args(arguments).env_remove("COLUMNS").output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    let overview = help(&["--help"]);
    let _ = write!(text, "\n```text\n{overview}```\n");
    let (_, listed) = overview.split_once("Commands:\n").unwrap();
    for name in subcommands(listed) {
        let said = help(&[name, "--help"]);
        let _ = write!(text, "\n## `sternlight {name}`\n\n```text\n{said}```\n");
        let Some((_, listed)) = said.split_once("Commands:\n") else { continue };
        for below in subcommands(listed) {
            let _ =
                write!(text, "\n### `sternlight {name} {below}`\n\n```text\n{}```\n", help(&[name, below, "--help"]));
        }
    }
    text
}

/// The names that a help text lists, but for `help` itself.
fn subcommands(listed: &str) -> impl Iterator<Item = &str> {
    let lines = listed.lines().map_while(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
}
