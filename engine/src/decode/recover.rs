//! Decodes a YAML value and goes on after a fault: the faulty entry is taken out and decoding starts again, so
//! that all faults are found although serde stops at the first. Wording is in `messages`.

use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::messages::{Fault, reworded};
use crate::problem::{Problem, Segment};

/// More faults than this in one value say nothing new.
const MAXIMUM_FAULTS: usize = 50;

/// What came of decoding.
pub(crate) struct Decoded<T> {
    /// The value without its faulty entries, where it makes sense without them.
    pub(crate) value: Option<T>,
    /// Every fault; empty: `value` is complete.
    pub(crate) problems: Vec<Problem>,
}

impl<T> Decoded<T> {
    /// The value, if there was no fault.
    pub(crate) fn complete(self) -> Result<T, Vec<Problem>> {
        match self.value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// Decodes a value, collecting every fault.
pub(crate) fn decode<T: DeserializeOwned>(mut value: Value) -> Decoded<T> {
    let mut problems: Vec<Problem> = Vec::new();
    // Required keys that are there under a misspelled name or with a faulty value: not reported as missing.
    let mut meant: Vec<Vec<Segment>> = Vec::new();
    while problems.len() < MAXIMUM_FAULTS {
        let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
            Ok(decoded) => return Decoded { value: Some(decoded), problems },
            Err(error) => error,
        };
        let path = segments(error.path());
        let reworded = reworded(&error.into_inner().to_string());
        let mut problem = reworded.problem;
        problem.path.clone_from(&path);
        match reworded.fault {
            Fault::Missing(key) => {
                let key_path = below(&path, key);
                if !meant.contains(&key_path) {
                    meant.push(key_path);
                    problems.push(problem);
                }
            }
            Fault::UnknownKey(suggestion) => {
                if let (Some(suggestion), Some((_, parent))) = (suggestion, path.split_last()) {
                    meant.push(below(parent, suggestion));
                }
                meant.push(path.clone());
                problems.push(problem);
            }
            Fault::Value => {
                // A fault around one already reported is its consequence.
                if !meant.iter().any(|reported| reported.starts_with(&path)) {
                    meant.push(path.clone());
                    problems.push(problem);
                }
            }
        }
        if !remove(&mut value, &path) {
            break;
        }
    }
    Decoded { value: None, problems }
}

fn below(path: &[Segment], key: String) -> Vec<Segment> {
    path.iter().cloned().chain([Segment::Key(key)]).collect()
}

fn segments(path: &serde_path_to_error::Path) -> Vec<Segment> {
    path.iter()
        .filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Segment::Key(key.clone())),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
        })
        .collect()
}

/// Takes out the innermost entry of a mapping on the path. Elements of lists stay, so that the places of those
/// behind them stay true; a list with a faulty element goes as a whole.
fn remove(value: &mut Value, path: &[Segment]) -> bool {
    let Some(at) = path.iter().rposition(|segment| matches!(segment, Segment::Key(_))) else { return false };
    let Some((Segment::Key(key), parents)) = path.get(..=at).and_then(<[Segment]>::split_last) else { return false };
    let parent = parents.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key.as_str()),
        Segment::Index(index) => value.get_mut(*index),
    });
    parent.and_then(Value::as_mapping_mut).is_some_and(|mapping| mapping.shift_remove(key.as_str()).is_some())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Options {
        files: String,
        format: Option<Format>,
        #[serde(default)]
        rules: Vec<Rule>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Format {
        TauBench,
        OpenaiChat,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Rule {
        weight: f64,
        limit: Option<u32>,
    }

    fn faults(text: &str) -> Vec<String> {
        let decoded = decode::<Options>(serde_yaml::from_str(text).unwrap());
        decoded
            .problems
            .into_iter()
            .map(|problem| {
                let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
                format!("{}: {} | {}", path.join("."), problem.message, problem.help.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn every_fault_of_a_map_comes_at_once() {
        insta::assert_snapshot!(
            faults("{fils: a, format: taubench, rules: [{weight: 1, limit: -1}, {wieght: 2, limit: x}]}").join("\n"),
            @"
        fils: unknown key `fils` | did you mean `files`?
        format: unknown value `taubench` | did you mean `tau-bench`?
        rules.0.limit: expected a whole number of at least 0, found `-1` | 
        rules.1.wieght: unknown key `wieght` | did you mean `weight`?
        rules.1.limit: expected a whole number of at least 0, found the text `x` | 
        "
        );
    }

    #[test]
    fn a_missing_key_is_reported_once() {
        insta::assert_snapshot!(faults("{rules: [{limit: 1}]}").join("\n"), @"
        rules.0: `weight` is missing | 
        : `files` is missing | 
        ");
    }

    #[test]
    fn a_wrong_value_is_not_missing_as_well() {
        insta::assert_snapshot!(faults("{files: [a]}").join("\n"), @"files: expected text, found a list | ");
    }

    #[test]
    fn what_decodes_is_complete() {
        let decoded = decode::<Options>(serde_yaml::from_str("{files: a, format: openai-chat}").unwrap());
        assert!(matches!(decoded.complete(), Ok(Options { format: Some(Format::OpenaiChat), .. })));
        assert!(!faults("3").is_empty());
    }
}
