//! Rules that cannot be wrong, parsed from the options; every fault is placed. Not concerned with trajectories.

use std::collections::BTreeSet;

use regex::Regex;
use sternlight_engine::problem::{Problem, Segment};

use super::options::{Place, RuleOptions};

/// A rule of the weighted sum.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) weight: f64,
    pub(super) test: Test,
}

/// What is scored.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Text(Place, TextTest),
    ToolCalled(String),
    Turns(Bounds),
}

/// How a text is scored.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    /// The trimmed text.
    Exact(String),
    Regex(Regex),
    /// In characters.
    Length(Bounds),
}

/// A range with soft edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    minimum: f64,
    maximum: f64,
    /// How far beyond an edge the score reaches 0; 0: at once.
    ramp: f64,
}

impl Bounds {
    /// Bounds as written; an error if there is none, or nothing between them.
    fn new(minimum: Option<u32>, maximum: Option<u32>, ramp: Option<u32>) -> Result<Self, String> {
        if minimum.is_none() && maximum.is_none() {
            return Err("expected `min`, `max` or both".to_owned());
        }
        if let (Some(minimum), Some(maximum)) = (minimum, maximum)
            && minimum > maximum
        {
            return Err(format!("`min` {minimum} is greater than `max` {maximum}"));
        }
        Ok(Self {
            minimum: minimum.map_or(0.0, f64::from),
            maximum: maximum.map_or(f64::INFINITY, f64::from),
            ramp: ramp.map_or(0.0, f64::from),
        })
    }

    /// 1 within the bounds; outside, how much of the ramp is left.
    pub(super) fn score(&self, value: usize) -> f64 {
        let value = value as f64;
        let beyond = (self.minimum - value).max(value - self.maximum).max(0.0);
        if beyond == 0.0 {
            1.0
        } else if beyond < self.ramp {
            1.0 - beyond / self.ramp
        } else {
            0.0
        }
    }
}

/// The rules of the options.
///
/// # Errors
/// Every fault, placed below `with`.
pub(super) fn parse(options: Vec<RuleOptions>) -> Result<Vec<Rule>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    let mut names = BTreeSet::new();
    for (index, rule) in options.into_iter().enumerate() {
        let at = |keys: &[&str], message: String| {
            let place = [Segment::from("rules"), Segment::from(index)];
            Problem::at(place.into_iter().chain(keys.iter().map(|key| Segment::from(*key))), message)
        };
        let name = rule.name.clone().unwrap_or_else(|| format!("rule-{}", index + 1));
        if !names.insert(name.clone()) {
            let keys: &[&str] = if rule.name.is_some() { &["name"] } else { &[] };
            let problem = at(keys, format!("two rules have the name `{name}`"));
            problems.push(problem.help("give each rule a `name` of its own: metrics are kept by it"));
        }
        if !(rule.weight as f32).is_finite() {
            problems.push(at(&["weight"], format!("the weight is {:?}, expected a finite number", rule.weight)));
        }
        let weight = rule.weight;
        match test(rule, &at) {
            Ok(test) => rules.push(Rule { name, weight, test }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

/// What a rule scores.
///
/// # Errors
/// If it is not one test, or one that cannot be.
pub(super) fn test(rule: RuleOptions, at: &dyn Fn(&[&str], String) -> Problem) -> Result<Test, Problem> {
    let on = rule.on;
    let place = on.unwrap_or_default();
    let without_place = |key: &str| match on {
        Some(_) => Err(at(&["on"], format!("`{key}` looks at the whole trajectory and takes no `on`"))),
        None => Ok(()),
    };
    let test = match rule {
        RuleOptions { exact: Some(text), regex: None, tool_called: None, length: None, turns: None, .. } => {
            Test::Text(place, TextTest::Exact(text.trim().to_owned()))
        }
        RuleOptions { exact: None, regex: Some(pattern), tool_called: None, length: None, turns: None, .. } => {
            Test::Text(place, TextTest::Regex(pattern.regex().clone()))
        }
        RuleOptions { exact: None, regex: None, tool_called: Some(tool), length: None, turns: None, .. } => {
            without_place("tool_called")?;
            Test::ToolCalled(tool)
        }
        RuleOptions { exact: None, regex: None, tool_called: None, length: Some(length), turns: None, .. } => {
            let bounds = Bounds::new(length.min, length.max, length.ramp);
            Test::Text(place, TextTest::Length(bounds.map_err(|message| at(&["length"], message))?))
        }
        RuleOptions { exact: None, regex: None, tool_called: None, length: None, turns: Some(turns), .. } => {
            without_place("turns")?;
            let bounds = Bounds::new(turns.min, turns.max, None);
            Test::Turns(bounds.map_err(|message| at(&["turns"], message))?)
        }
        _ => {
            let message = "expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`";
            return Err(at(&[], message.to_owned()).help("write two tests as two rules: their scores are added"));
        }
    };
    Ok(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(yaml: &str) -> String {
        let problems = parse(serde_yaml::from_str(yaml).unwrap()).unwrap_err();
        let line = |problem: &Problem| {
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        problems.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn all_faults_are_told_with_their_places() {
        insta::assert_snapshot!(faults("
            - {exact: a, regex: b}
            - {}
            - {tool_called: pay, on: last_action}
            - {turns: {max: 3}, on: any_action, weight: .nan}
            - {length: {}}
            - {length: {min: 3, max: 2}}
            - {turns: {}, name: rule-9}
            - {exact: a, name: x}
            - {exact: a, name: rule-1}
            - {exact: a, weight: 1e300}
        "), @"
        rules.0: expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`
        rules.1: expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`
        rules.2.on: `tool_called` looks at the whole trajectory and takes no `on`
        rules.3.weight: the weight is NaN, expected a finite number
        rules.3.on: `turns` looks at the whole trajectory and takes no `on`
        rules.4.length: expected `min`, `max` or both
        rules.5.length: `min` 3 is greater than `max` 2
        rules.6.turns: expected `min`, `max` or both
        rules.8.name: two rules have the name `rule-1`
        rules.9.weight: the weight is 1e300, expected a finite number
        ");
    }

    #[test]
    fn lengths_have_soft_edges() {
        let bounds = Bounds::new(Some(10), Some(20), Some(4)).unwrap();
        let scores: Vec<f64> = [5, 6, 7, 9, 10, 20, 21, 23, 24, 30].map(|value| bounds.score(value)).to_vec();
        assert_eq!(scores, [0.0, 0.0, 0.25, 0.75, 1.0, 1.0, 0.75, 0.25, 0.0, 0.0]);
        let hard = Bounds::new(None, Some(20), None).unwrap();
        assert_eq!([hard.score(0), hard.score(20), hard.score(21)], [1.0, 1.0, 0.0]);
    }
}
