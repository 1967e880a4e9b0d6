//! The parameters of a pipeline: their defaults under `params`, and what `--set params.NAME=VALUE` puts in their
//! place. A value must fit the default's type; a default of null asks for one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;
use serde_yaml::Value;

use super::diagnostic::{COMMAND_LINE, Diagnostic};
use super::interpolation::find_parameter;
use super::report::Report;
use super::values::plain_scalar;
use crate::condition::Scalar;
use crate::problem::{Problem, Segment, nearest};

const OPTION: &str = "--set ";
const ROOT: &str = "params";

/// Puts the given values into the parameters, and demands those without a default.
/// Returns the paths of parameters that have no trustworthy value.
pub(super) fn set_parameters(parameters: &mut Value, given: &[String], report: &mut Report<'_>) -> BTreeSet<String> {
    let mut unknown = BTreeSet::new();
    for assignment in given {
        if let Err((path, diagnostic)) = set(parameters, assignment) {
            unknown.extend(path);
            report.add(*diagnostic);
        }
    }
    let mut missing = Vec::new();
    nulls(parameters, &mut Vec::new(), &mut missing);
    for path in missing {
        let name = path.join(".");
        let segments: Vec<Segment> =
            [ROOT].into_iter().chain(path.iter().map(String::as_str)).map(Segment::from).collect();
        if !report.is_unknown(&segments) && !unknown.contains(&name) {
            let span = report.document.key_span(&segments);
            let diagnostic = report
                .document
                .error(span, format!("the parameter `{name}` needs a value"))
                .label("has no default")
                .help(format!("give it one: `--set params.{name}=…`"));
            report.add(diagnostic);
        }
        unknown.insert(name);
    }
    unknown
}

fn nulls(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match value {
        Value::Null if !path.is_empty() => found.push(path.clone()),
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                path.push(key.as_str().unwrap_or_default().to_owned());
                nulls(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The value that a name of a condition stands for, as `params.goal`; `None` if there is no such parameter, or it is a list
/// or a map.
pub(crate) fn find_scalar(parameters: &Value, name: &str) -> Option<Scalar> {
    let path = name.strip_prefix(ROOT)?.strip_prefix('.')?;
    match find_parameter(parameters, path).ok()? {
        Value::Null => Some(Scalar::Null),
        Value::Bool(truth) => Some(Scalar::Truth(*truth)),
        Value::Number(number) => number.as_f64().map(Scalar::Number),
        Value::String(text) => Some(Scalar::Text(text.clone())),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

/// Applies one assignment; the path of the parameter at fault comes back with the error.
fn set(parameters: &mut Value, assignment: &str) -> Result<(), (Option<String>, Box<Diagnostic>)> {
    let at = OPTION.len();
    let fail = |range: Range<usize>, problem: Problem| {
        let source = Arc::new(NamedSource::new(COMMAND_LINE, format!("{OPTION}{assignment}")));
        let mut diagnostic = Diagnostic::error(&source, at + range.start..at + range.end, problem.message);
        diagnostic.label = problem.label;
        diagnostic.help = problem.help;
        Box::new(diagnostic)
    };
    let Some((name, written)) = assignment.split_once('=') else {
        let problem = Problem::new("`--set` wants `params.NAME=VALUE`").help("as in `--set params.policy=tiny`");
        return Err((None, fail(0..assignment.len(), problem)));
    };
    let Some(path) = name.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('.')) else {
        let problem = Problem::new(format!("`--set` can only set `params.…`, not `{name}`"));
        let root = name.split('.').next().unwrap_or_default();
        let help = match nearest(root, [ROOT]) {
            Some(_) => format!("did you mean `params.{}`?", name.split_once('.').map_or("NAME", |(_, rest)| rest)),
            None => {
                format!("make it a parameter: add it under `params`, and write `${{params.{name}}}` where it is used")
            }
        };
        return Err((None, fail(0..name.len(), problem.help(help))));
    };
    let default = find_parameter(parameters, path).map_err(|problem| {
        let range = ROOT.len() + 1..name.len();
        (None, fail(range, problem))
    })?;
    let value = fitting(default, written).ok_or_else(|| {
        let problem = Problem::new(format!(
            "`--set {name}` wants {}, as its default is, and got `{written}`",
            type_words(default)
        ));
        (Some(path.to_owned()), fail(name.len() + 1..assignment.len(), problem))
    })?;
    let slot = path.split('.').try_fold(parameters, |value, key| value.get_mut(key));
    if let Some(slot) = slot {
        *slot = value;
    }
    Ok(())
}

/// The written value in the type of the default, if it fits.
fn fitting(default: &Value, written: &str) -> Option<Value> {
    let quoted = written.starts_with(['"', '\'']);
    let value = if quoted { serde_yaml::from_str(written).ok()? } else { plain_scalar(written) };
    match (default, &value) {
        // Text as it is, even where it looks like a number or like YAML's own signs (`*.json`).
        (Value::String(_), Value::String(_)) | (Value::Null, Value::String(_)) => Some(value),
        (Value::String(_), _) => Some(Value::String(written.to_owned())),
        (Value::Null, _) => Some(value).filter(|value| !value.is_null()),
        (Value::Bool(_), Value::Bool(_)) => Some(value),
        (Value::Number(default), Value::Number(number)) => (default.is_f64() || !number.is_f64()).then_some(value),
        (Value::Sequence(_), _) => serde_yaml::from_str(written).ok().filter(Value::is_sequence),
        (Value::Mapping(_), _) => serde_yaml::from_str(written).ok().filter(Value::is_mapping),
        _ => None,
    }
}

fn type_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "a value",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::String(_) | Value::Tagged(_) => "text",
        Value::Sequence(_) => "a list such as `[a, b]`",
        Value::Mapping(_) => "a map such as `{a: 1}`",
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::render_plain;
    use super::*;

    fn after(assignment: &str) -> Result<Value, String> {
        let mut parameters =
            serde_yaml::from_str("{n: 3, share: 0.5, on: true, name: a, deep: {x: null}, l: [1]}").unwrap();
        set(&mut parameters, assignment).map_err(|(_, diagnostic)| render_plain(&diagnostic))?;
        let path = assignment.split('=').next().unwrap().strip_prefix("params.").unwrap();
        Ok(find_parameter(&parameters, path).unwrap().clone())
    }

    #[test]
    fn values_take_the_type_of_the_default() {
        assert_eq!(after("params.n=7"), Ok(Value::from(7)));
        assert_eq!(after("params.share=1"), Ok(Value::from(1)));
        assert_eq!(after("params.on=false"), Ok(Value::from(false)));
        assert_eq!(after("params.name=*.json"), Ok(Value::from("*.json")));
        assert_eq!(after("params.name=12"), Ok(Value::from("12")));
        assert_eq!(after("params.name='a b'"), Ok(Value::from("a b")));
        assert_eq!(after("params.deep.x=a=b"), Ok(Value::from("a=b")));
        assert_eq!(after("params.l=[2, 3]"), Ok(serde_yaml::from_str("[2, 3]").unwrap()));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let wrong = ["params.n=x", "params.m=1", "seed=1", "param.n=1", "params.n", "params.on=yes"];
        let told: Vec<String> = wrong.iter().map(|one| after(one).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        command line:1:16: error: `--set params.n` wants a whole number, as its default is, and got `x`
          |
        1 | --set params.n=x
          |                ^

        command line:1:14: error: there is no parameter `m`
          |
        1 | --set params.m=1
          |              ^ not in `params`
          = help: did you mean `params.n`?

        command line:1:7: error: `--set` can only set `params.…`, not `seed`
          |
        1 | --set seed=1
          |       ^^^^
          = help: make it a parameter: add it under `params`, and write `${params.seed}` where it is used

        command line:1:7: error: `--set` can only set `params.…`, not `param.n`
          |
        1 | --set param.n=1
          |       ^^^^^^^
          = help: did you mean `params.n`?

        command line:1:7: error: `--set` wants `params.NAME=VALUE`
          |
        1 | --set params.n
          |       ^^^^^^^^
          = help: as in `--set params.policy=tiny`

        command line:1:17: error: `--set params.on` wants `true` or `false`, as its default is, and got `yes`
          |
        1 | --set params.on=yes
          |                 ^^^
        ");
    }
}
