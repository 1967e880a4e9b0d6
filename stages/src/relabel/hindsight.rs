//! AgentHER's four steps (2603.21357) by rules: what kind of failure it was, what was achieved, a task that this fulfils, and
//! what the copy weighs.

use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{Relabelled, TrajectorySchema, TurnEdit};

use super::attempts::{Attempts, text_at};
use super::failure::{Classifier, Evidence, FailureClass};
use super::options::WeightBy;
use super::outcome::Outcomes;
use super::results::{Results, Seen};
use super::template::Template;
use super::way::{Way, success};

/// The placeholders of the task.
pub(super) const NAMES: [&str; 2] = ["achieved", "prompt"];
/// The task, unless said otherwise.
pub(super) const TASK: &str = "Find out the following, step by step:\n{achieved}";
/// How severe a failure must be, unless said otherwise.
pub(super) const MINIMUM_SEVERITY: f64 = 0.3;
/// How sure it must be that a copy is a success, unless said otherwise.
pub(super) const MINIMUM_CONFIDENCE: f64 = 0.5;

const ACTION: &str = "turns.action";

/// A result that achieves something has at least so many characters.
const ACHIEVED_CHARACTERS: usize = 15;
/// So many results are named in the task: the last.
const NAMED: usize = 3;
/// So many characters of each.
const NAMED_CHARACTERS: usize = 200;

/// By rules over results.
#[derive(Debug)]
pub(super) struct ByRules {
    pub(super) outcomes: Outcomes,
    pub(super) results: Results,
    pub(super) classifier: Classifier,
    pub(super) task: Template<2>,
    pub(super) minimum_severity: f64,
    pub(super) minimum_confidence: f64,
    pub(super) weight: WeightBy,
}

/// Why an attempt has no copy, in metrics.
#[derive(Default)]
struct Tally {
    not_severe: u64,
    not_recoverable: u64,
    not_sure: u64,
    classes: [u64; FailureClass::ALL.len()],
}

/// The results that are something, and which share of all they are.
fn achieved<'a>(results: &[Seen<'a>]) -> (Vec<&'a str>, f64) {
    let is_something = |seen: &&Seen<'a>| !seen.is_error && seen.text.trim().chars().count() >= ACHIEVED_CHARACTERS;
    let achieved: Vec<&'a str> = results.iter().filter(is_something).map(|seen| seen.text.trim()).collect();
    let share = if results.is_empty() { 0.0 } else { achieved.len() as f64 / results.len() as f64 };
    (achieved, share)
}

/// The last results, each once, a line each.
fn list(achieved: &[&str]) -> String {
    let mut named: Vec<&str> = Vec::with_capacity(NAMED);
    for text in achieved.iter().rev() {
        if named.len() < NAMED && !named.contains(text) {
            named.push(text);
        }
    }
    let line = |text: &&str| {
        // No more than will be shown is looked at: results may be long.
        let mut words = String::new();
        let mut characters = 0;
        for word in text.split_whitespace() {
            let space = usize::from(!words.is_empty());
            let left = NAMED_CHARACTERS.saturating_sub(characters + space);
            if left == 0 {
                words.push('…');
                break;
            }
            words.extend((space > 0).then_some(' '));
            let before = words.len();
            words.extend(word.chars().take(left));
            characters += space + words[before..].chars().count();
            if words.len() - before < word.len() {
                words.push('…');
                break;
            }
        }
        format!("- {words}")
    };
    named.iter().rev().map(line).collect::<Vec<_>>().join("\n")
}

impl Way for ByRules {
    fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        let mut reads = Outcomes::reads(input)?;
        reads.extend(Results::reads(input));
        reads.push(ACTION.into());
        Ok(reads)
    }

    fn copies(&self, attempts: &Attempts<'_>, context: &mut Context) -> Result<Vec<Relabelled>, StageError> {
        let outcomes = self.outcomes.of(attempts.batch)?;
        let results = self.results.of(attempts.batch)?;
        let actions = attempts.batch.text(ACTION)?;
        let mut copies = Vec::new();
        let mut tally = Tally::default();
        let mut severities = Vec::new();
        for row in attempts.rows().filter(|row| outcomes.is_right(*row) == Some(false)) {
            let turns = attempts.batch.turns_of(row);
            let seen = results.row(row);
            let last_action = turns.clone().next_back().and_then(|turn| text_at(Some(actions), turn));
            let is_truncated = attempts.is_truncated(row);
            let failure = self.classifier.classify(&Evidence { results: &seen, last_action, is_truncated });
            if let Some(count) = tally.classes.get_mut(failure.class as usize) {
                *count += 1;
            }
            severities.push(failure.severity);
            let (achieved, confidence) = achieved(&seen);
            let refused = if failure.severity < self.minimum_severity {
                &mut tally.not_severe
            } else if !failure.is_recoverable {
                &mut tally.not_recoverable
            } else if achieved.is_empty() || confidence < self.minimum_confidence {
                &mut tally.not_sure
            } else {
                let weight = match self.weight {
                    WeightBy::Confidence => confidence,
                    WeightBy::Severity => failure.severity,
                } as f32;
                let edit = |turn: usize| TurnEdit { turn, weight: Some(weight), reward: None };
                let prompt = self.task.render([&list(&achieved), attempts.prompt(row)]);
                let turns = (0..turns.len()).map(edit).collect();
                copies.push(Relabelled { turns, ..success(row, prompt, confidence as f32) });
                continue;
            };
            *refused += 1;
        }
        for (class, count) in FailureClass::ALL.iter().zip(tally.classes) {
            context.metrics.count(format!("failure.{}", class.as_str()), count);
        }
        let refused = [
            ("refused.severity", tally.not_severe),
            ("refused.not_recoverable", tally.not_recoverable),
            ("refused.confidence", tally.not_sure),
        ];
        refused.into_iter().for_each(|(name, count)| context.metrics.count(name, count));
        context.metrics.observe_all("severity", severities);
        Ok(copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_results_are_named_once_each_and_shortened() {
        let long = format!("begin {}", "word ".repeat(100));
        let one = list(&["first of all", "a  b\nc", "twice", "twice", &long]);
        let lines: Vec<&str> = one.lines().collect();
        assert_eq!(lines[..2], ["- a b c", "- twice"]);
        assert!(lines[2].ends_with('…') && lines[2].chars().count() <= 2 + NAMED_CHARACTERS + 1, "{}", lines[2]);
        assert_eq!(list(&[&"é".repeat(300)]).chars().count(), 2 + NAMED_CHARACTERS + 1);
        assert_eq!(list(&[&"é".repeat(200)]).chars().count(), 2 + NAMED_CHARACTERS);
    }

    #[test]
    fn short_results_and_errors_achieve_nothing() {
        let seen = |text, is_error| Seen { text, is_error };
        let results =
            [seen("a result that says something", false), seen("short", false), seen("Error: it is all gone", true)];
        let (found, share) = achieved(&results);
        assert_eq!(found, ["a result that says something"]);
        assert!((share - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(achieved(&[]), (Vec::new(), 0.0));
    }
}
