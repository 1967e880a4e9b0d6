//! `${…}` in texts: what it may name, and what it becomes. A text that is one `${…}` alone takes the type of what
//! it names; inside a longer text, the value is written out. `$${` is a literal `${`.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_yaml::Value;

use crate::problem::{Problem, nearest};

/// What a text may refer to.
pub(super) struct Scope<'a> {
    /// The parameters, once they are known; not while they are being read themselves.
    pub(super) parameters: Option<&'a Value>,
    /// Parameters whose values are in error: a reference to one is no further error.
    pub(super) unknown_parameters: &'a BTreeSet<String>,
    /// Reads an environment variable.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// Which iteration of the loop is meant; `None`: there is no loop.
    pub(super) iteration: Option<u64>,
}

/// What a text became.
#[derive(Debug, PartialEq)]
pub(super) enum Interpolated {
    /// Its value.
    Value(Value),
    /// It names a parameter that is in error itself.
    Unknown,
}

enum Part<'a> {
    Literal(String),
    Reference { name: &'a str, range: Range<usize> },
}

/// What stands for the number of the iteration.
const ITERATION: &str = "iteration";

/// Whether the text names the iteration.
pub(super) fn names_iteration(text: &str) -> bool {
    parts(text).is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Reference { name: ITERATION, .. })))
}

/// Whether the text says anything that interpolation changes.
pub(super) fn has_interpolation(text: &str) -> bool {
    text.contains("${")
}

/// Replaces every `${…}` of a text.
///
/// # Errors
/// Every reference at fault, placed by `within`.
pub(super) fn interpolate(text: &str, scope: &Scope<'_>) -> Result<Interpolated, Vec<Problem>> {
    let parts = parts(text).map_err(|problem| vec![problem])?;
    let (mut written, mut problems) = (String::new(), Vec::new());
    let mut unknown = false;
    let alone = parts.len() == 1;
    for part in parts {
        match part {
            Part::Literal(literal) => written.push_str(&literal),
            Part::Reference { name, range } => match scope.resolve(name) {
                Ok(Interpolated::Value(value)) if alone => return Ok(Interpolated::Value(value)),
                Ok(Interpolated::Value(value)) => match scalar_text(&value) {
                    Some(text) => written.push_str(&text),
                    None => problems.push(
                        Problem::new(format!("`${{{name}}}` is a list or a map, which text cannot hold"))
                            .within(range)
                            .help("a list or a map can only be the whole value"),
                    ),
                },
                Ok(Interpolated::Unknown) => unknown = true,
                Err(problem) => problems.push(problem.within(range)),
            },
        }
    }
    match problems.is_empty() {
        false => Err(problems),
        true if unknown => Ok(Interpolated::Unknown),
        true => Ok(Interpolated::Value(Value::String(written))),
    }
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, Problem> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("${")) {
        let dollar = at + found;
        if text.get(..dollar).is_some_and(|before| before.get(at..).is_some_and(|part| part.ends_with('$'))) {
            literal.push_str(text.get(at..dollar - 1).unwrap_or_default());
            literal.push_str("${");
            at = dollar + 2;
            continue;
        }
        literal.push_str(text.get(at..dollar).unwrap_or_default());
        let Some(end) = text.get(dollar..).and_then(|rest| rest.find('}')) else {
            return Err(Problem::new("`${` without its `}`")
                .within(dollar..text.len())
                .help("close it, or write `$${` for a literal `${`"));
        };
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        at = dollar + end + 1;
        parts.push(Part::Reference {
            name: text.get(dollar + 2..dollar + end).unwrap_or_default().trim(),
            range: dollar..at,
        });
    }
    literal.push_str(text.get(at..).unwrap_or_default());
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

impl Scope<'_> {
    fn resolve(&self, name: &str) -> Result<Interpolated, Problem> {
        match name.split_once('.') {
            Some(("params", path)) => self.parameter(path),
            Some(("env", variable)) => {
                (self.environment)(variable).map(|value| Interpolated::Value(Value::String(value))).ok_or_else(|| {
                    Problem::new(format!("the environment variable `{variable}` is not set"))
                        .help(format!("set it, as in `{variable}=… sternlight …`"))
                })
            }
            None if name == ITERATION => match self.iteration {
                Some(iteration) => Ok(Interpolated::Value(iteration.into())),
                None => Err(no_loop(ITERATION)),
            },
            _ => {
                let problem = Problem::new(format!("`${{{name}}}` names nothing"));
                let root = name.split('.').next().unwrap_or_default();
                Err(match nearest(root, ["params", "env", "iteration"]) {
                    Some("iteration") => problem.help("did you mean `${iteration}`?"),
                    Some(meant) => problem.help(format!("did you mean `${{{meant}.…}}`?")),
                    None => problem.help("known: `${params.…}`, `${env.…}`, `${iteration}`"),
                })
            }
        }
    }

    fn parameter(&self, path: &str) -> Result<Interpolated, Problem> {
        let Some(parameters) = self.parameters else {
            return Err(Problem::new("a parameter cannot refer to another").help("write the value out"));
        };
        if self.unknown_parameters.iter().any(|unknown| {
            let below = |short: &str, long: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
            unknown == path || below(unknown, path) || below(path, unknown)
        }) {
            return Ok(Interpolated::Unknown);
        }
        find_parameter(parameters, path).map(|value| Interpolated::Value(value.clone()))
    }
}

fn no_loop(name: &str) -> Problem {
    Problem::new(format!("`${{{name}}}` has a meaning only in a pipeline with `loop`"))
        .help("add a `loop`, or write the value out")
}

/// The parameter at a path such as `a.b`.
///
/// # Errors
/// If there is none, with the nearest spelling.
pub(super) fn find_parameter<'v>(parameters: &'v Value, path: &str) -> Result<&'v Value, Problem> {
    let mut value = parameters;
    let mut walked: Vec<&str> = Vec::new();
    for key in path.split('.') {
        let Some(next) = value.get(key) else {
            let problem = Problem::new(format!("there is no parameter `{path}`")).label("not in `params`");
            let known: Vec<&str> =
                value.as_mapping().into_iter().flat_map(|map| map.keys().filter_map(Value::as_str)).collect();
            let full = |name: &str| walked.iter().copied().chain([name]).collect::<Vec<_>>().join(".");
            return Err(match nearest(key, known.iter().copied()) {
                Some(meant) => problem.help(format!("did you mean `params.{}`?", full(meant))),
                None if known.is_empty() => problem.help(format!("add `{path}` under `params`")),
                None => {
                    let known: Vec<String> = known.iter().map(|name| format!("`{}`", full(name))).collect();
                    problem.help(format!("known parameters: {}", known.join(", ")))
                }
            });
        };
        value = next;
        walked.push(key);
    }
    Ok(value)
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_scope<T>(run: impl FnOnce(&Scope<'_>) -> T) -> T {
        let parameters: Value = serde_yaml::from_str("{n: 3, share: 0.5, list: [1], deep: {name: x}}").unwrap();
        let environment = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        run(&Scope {
            parameters: Some(&parameters),
            unknown_parameters: &BTreeSet::new(),
            environment: &environment,
            iteration: None,
        })
    }

    fn value(text: &str) -> Value {
        match with_scope(|scope| interpolate(text, scope)) {
            Ok(Interpolated::Value(value)) => value,
            other => panic!("{other:?}"),
        }
    }

    fn fault(text: &str) -> String {
        let problem = with_scope(|scope| interpolate(text, scope)).unwrap_err().remove(0);
        let within = &text[problem.within.unwrap()];
        format!("{within}: {} ({})", problem.message, problem.help.unwrap_or_default())
    }

    #[test]
    fn typed_alone_and_text_among_text() {
        assert_eq!(value("${params.n}"), Value::from(3));
        assert_eq!(value("${ params.list }"), serde_yaml::from_str::<Value>("[1]").unwrap());
        assert_eq!(value("n=${params.n} ${params.share} ${params.deep.name}"), Value::from("n=3 0.5 x"));
        assert_eq!(value("${env.HOME}/data"), Value::from("/home/me/data"));
        assert_eq!(value("a $${params.n} ${params.n}"), Value::from("a ${params.n} 3"));
        assert_eq!(value("$${x}"), Value::from("${x}"));
        assert_eq!(value("costs 3$"), Value::from("costs 3$"));
    }

    #[test]
    fn faults() {
        let texts = [
            "a ${params.m}",
            "${params.deep.nam}",
            "${parms.n}",
            "${env.NOWHERE}",
            "${iteration}",
            "${carry.policy}",
            "a ${params.list}",
            "b ${params.n",
            "${what}",
        ];
        let faults: Vec<String> = texts.iter().map(|text| fault(text)).collect();
        insta::assert_snapshot!(faults.join("\n"), @"
        ${params.m}: there is no parameter `m` (did you mean `params.n`?)
        ${params.deep.nam}: there is no parameter `deep.nam` (did you mean `params.deep.name`?)
        ${parms.n}: `${parms.n}` names nothing (did you mean `${params.…}`?)
        ${env.NOWHERE}: the environment variable `NOWHERE` is not set (set it, as in `NOWHERE=… sternlight …`)
        ${iteration}: `${iteration}` has a meaning only in a pipeline with `loop` (add a `loop`, or write the value out)
        ${carry.policy}: `${carry.policy}` names nothing (known: `${params.…}`, `${env.…}`, `${iteration}`)
        ${params.list}: `${params.list}` is a list or a map, which text cannot hold (a list or a map can only be the whole value)
        ${params.n: `${` without its `}` (close it, or write `$${` for a literal `${`)
        ${what}: `${what}` names nothing (known: `${params.…}`, `${env.…}`, `${iteration}`)
        ");
    }
}
