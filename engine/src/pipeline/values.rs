//! From the scanned tree to plain YAML values: scalars typed, aliases put in, merges applied, `${…}` replaced.

use serde_yaml::{Mapping, Value};

use super::index::{Content, MERGE_KEY, Node};
use super::interpolation::{Interpolated, Scope, has_interpolation, interpolate};
use super::report::{Report, placed};
use crate::problem::{Problem, Segment};

/// The value of a node at a path. A text whose `${…}` is at fault stays as it is
/// and is noted in the report as unknown.
pub(super) fn value(node: &Node, path: &mut Vec<Segment>, scope: &Scope<'_>, report: &mut Report<'_>) -> Value {
    match &node.content {
        Content::Scalar { text, plain } => scalar(node, text, *plain, path, scope, report),
        Content::Sequence(items) => {
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push(Segment::Index(index));
                values.push(value(item, path, scope, report));
                path.pop();
            }
            Value::Sequence(values)
        }
        Content::Mapping(entries) => {
            let mut mapping = Mapping::new();
            for entry in entries {
                path.push(Segment::Key(entry.key.clone()));
                let entry_value = value(&entry.value, path, scope, report);
                if entry.key == MERGE_KEY {
                    check_merge(&entry_value, path, report);
                }
                mapping.insert(Value::String(entry.key.clone()), entry_value);
                path.pop();
            }
            merge(&mut mapping);
            Value::Mapping(mapping)
        }
        // Faults inside of what an alias stands for are reported where they are written.
        Content::Alias(id) => match report.document.anchored(*id) {
            Some(target) => {
                let mut quiet = Report::new(report.document);
                let aliased = value(target, &mut path.clone(), scope, &mut quiet);
                if quiet.is_unknown(path) {
                    report.unknown(path);
                }
                aliased
            }
            None => Value::Null,
        },
    }
}

fn scalar(node: &Node, text: &str, plain: bool, path: &[Segment], scope: &Scope<'_>, report: &mut Report<'_>) -> Value {
    if !has_interpolation(text) {
        return if plain { plain_scalar(text) } else { Value::String(text.to_owned()) };
    }
    match interpolate(text, scope) {
        Ok(Interpolated::Value(value)) => return value,
        Ok(Interpolated::Unknown) => {}
        Err(problems) => {
            for problem in problems {
                let span = problem.within.as_ref().and_then(|range| report.document.narrowed(node, range));
                let mut diagnostic = placed(report.document, path, problem);
                diagnostic.span = span.unwrap_or(diagnostic.span);
                report.add(diagnostic);
            }
        }
    }
    report.unknown(path);
    Value::String(text.to_owned())
}

/// The type of an unquoted text, by YAML's core rules: a number, `true`, `null`, or just text.
pub(super) fn plain_scalar(text: &str) -> Value {
    match serde_yaml::from_str::<Value>(text) {
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn check_merge(value: &Value, path: &[Segment], report: &mut Report<'_>) {
    let fits = match value {
        Value::Mapping(_) => true,
        Value::Sequence(items) => items.iter().all(Value::is_mapping),
        _ => false,
    };
    if !fits && !report.is_unknown(path) {
        let problem = Problem::new("`<<` merges maps, and this is none").help("write `<<: *anchor`");
        report.add(placed(report.document, path, problem));
    }
}

/// Takes over what `<<` names, but for keys that are there already; earlier maps of a list come first.
pub(super) fn merge(mapping: &mut Mapping) {
    let merged = match mapping.remove(MERGE_KEY) {
        Some(Value::Mapping(one)) => vec![one],
        Some(Value::Sequence(several)) => several.into_iter().filter_map(|value| value.as_mapping().cloned()).collect(),
        _ => return,
    };
    for (key, value) in merged.into_iter().flatten() {
        mapping.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::scan::scan;
    use super::*;

    fn read(text: &str) -> (String, usize) {
        let (document, _) = scan(text, "p.yaml").unwrap();
        let mut report = Report::new(&document);
        let scope =
            Scope { parameters: None, unknown_parameters: &BTreeSet::new(), environment: &|_| None, iteration: None };
        let read = value(&document.root, &mut Vec::new(), &scope, &mut report);
        (serde_json::to_string(&read).unwrap(), report.diagnostics.len())
    }

    #[test]
    fn types_of_scalars() {
        let text = "[1, 1.5, true, yes, null, ~, '1', \"true\", 0x10, a: b, 2026-11-21, .5, 1e3]";
        insta::assert_snapshot!(read(text).0, @r#"
        [1,1.5,true,"yes",null,null,"1","true",16,{"a":"b"},"2026-11-21",0.5,1000.0]
        "#);
    }

    #[test]
    fn aliases_and_merges() {
        let text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 0}\nd: *a\n";
        insta::assert_snapshot!(read(text).0, @r#"
        {"a":{"x":1,"y":2},"b":{"y":3,"z":4},"c":{"x":0,"y":2,"z":4},"d":{"x":1,"y":2}}
        "#);
        assert_eq!(read("a: {<<: 3}").1, 1);
    }

    #[test]
    fn a_fault_behind_an_anchor_is_told_once() {
        assert_eq!(read("a: &a ${params.x}\nb: *a\nc: [*a]\n").1, 1);
    }

    #[test]
    fn a_duplicate_keeps_the_first() {
        assert_eq!(read("a: 1\na: 2\n"), (r#"{"a":1}"#.to_owned(), 0));
    }
}
