//! Replay by satisfied constraints (HiR, 2512.23457): an answer that satisfies some of what was asked is a success at a task
//! that asks for that alone.

use std::borrow::Cow;

use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{Relabelled, TrajectorySchema};

use super::attempts::Attempts;
use super::template::Template;
use super::way::{Way, success};
use crate::criteria::{Criterion, RecordedCriteria, recorded_in};

/// The placeholders of the task.
pub(super) const NAMES: [&str; 2] = ["criteria", "prompt"];
/// The task, unless said otherwise.
pub(super) const TASK: &str = "{prompt}\n\nWhat is asked for:\n{criteria}";
/// The share of criteria that must be satisfied, unless said otherwise.
pub(super) const MINIMUM_SHARE: f64 = 0.5;

/// By the criteria that are satisfied.
#[derive(Debug)]
pub(super) struct BySatisfied {
    pub(super) minimum_share: f64,
    pub(super) task: Template<2>,
}

/// The criteria of a failed attempt.
#[derive(Debug, PartialEq)]
struct Split<'a, 'c> {
    satisfied: Vec<&'a Criterion<'c>>,
    unmet: Vec<&'a Criterion<'c>>,
    share: f64,
}

/// Parts criteria that count. `None` if none is met, or all are: that is no failure.
fn split<'a, 'c>(criteria: &'a [Criterion<'c>]) -> Option<Split<'a, 'c>> {
    let counting = criteria.iter().filter(|criterion| criterion.counts() > 0.0);
    let (satisfied, unmet): (Vec<_>, Vec<_>) = counting.partition(|criterion| criterion.is_met());
    let share = satisfied.len() as f64 / (satisfied.len() + unmet.len()) as f64;
    (!satisfied.is_empty() && !unmet.is_empty()).then_some(Split { satisfied, unmet, share })
}

/// A prompt without what it asks for in the very words of these criteria, and without lines that are then empty.
fn without<'p>(prompt: &'p str, unmet: &[&Criterion<'_>]) -> Cow<'p, str> {
    let mut text = Cow::Borrowed(prompt);
    for criterion in unmet {
        let words = criterion.text.as_deref().map(str::trim).filter(|words| !words.is_empty());
        let Some(words) = words.filter(|words| text.contains(words)) else { continue };
        let line = |line: &str| {
            let rest = line.replace(words, "");
            // Of a list's line only the mark is left.
            let is_left = rest.chars().any(char::is_alphanumeric) || rest == line;
            is_left.then_some(rest)
        };
        text = match words.contains('\n') {
            true => Cow::Owned(text.replace(words, "")),
            false => Cow::Owned(text.split('\n').filter_map(line).collect::<Vec<_>>().join("\n")),
        };
    }
    text
}

impl Way for BySatisfied {
    fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        let help = "`reward { by: rubric }` writes the column where rules decide; a plugin may add it";
        let recorded = recorded_in(input).map_err(|message| Problem::at(["by"], message).help(help))?;
        Ok(vec![recorded.into()])
    }

    fn copies(&self, attempts: &Attempts<'_>, context: &mut Context) -> Result<Vec<Relabelled>, StageError> {
        let recorded = RecordedCriteria::of(attempts.batch)?;
        let mut copies = Vec::new();
        let [mut unjudged, mut too_few] = [0; 2];
        for row in attempts.rows() {
            let criteria = recorded.row(row).map_err(|fault| {
                let error = StageError::new(fault).trajectory(attempts.batch.name_of(row));
                error.help("a criterion is `{id, text, weight, satisfied}`")
            })?;
            let criteria = criteria.unwrap_or_default();
            unjudged += u64::from(criteria.iter().all(|criterion| criterion.satisfied.is_none()));
            let Some(Split { satisfied, unmet, share }) = split(&criteria) else { continue };
            if share < self.minimum_share {
                too_few += 1;
                continue;
            }
            let list: Vec<String> = satisfied.iter().map(|criterion| format!("- {}", criterion.words())).collect();
            let prompt = self.task.render([&list.join("\n"), &without(attempts.prompt(row), &unmet)]);
            copies.push(success(row, prompt, share as f32));
        }
        context.metrics.count("without_criteria", unjudged);
        context.metrics.count("satisfied_too_few", too_few);
        context.metrics.observe_all("share", copies.iter().filter_map(|copy| copy.confidence).map(f64::from));
        Ok(copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion(text: &'static str, weight: f32, satisfied: Option<f32>) -> Criterion<'static> {
        Criterion { id: None, text: Some(text.into()), weight: Some(weight), satisfied }
    }

    #[test]
    fn failures_are_parted_into_what_is_met_and_what_is_not() {
        let (yes, no) = (Some(1.0), Some(0.0));
        let criteria = [
            criterion("a", 1.0, yes),
            criterion("b", 2.0, no),
            criterion("c", 1.0, None),
            criterion("d", -1.0, yes),
            criterion("e", 1.0, yes),
        ];
        let parted = split(&criteria).unwrap();
        let words = |criteria: &[&Criterion<'_>]| criteria.iter().map(|one| one.words().to_owned()).collect::<Vec<_>>();
        assert_eq!(
            (words(&parted.satisfied), words(&parted.unmet)),
            (vec!["a".into(), "e".into()], vec!["b".into(), "c".into()])
        );
        assert_eq!(parted.share, 0.5);
        assert_eq!(split(&criteria[..1]), None);
        assert_eq!(split(&criteria[1..4]), None);
        assert_eq!(split(&[]), None);
    }

    #[test]
    fn what_is_not_met_is_taken_out_of_the_prompt_where_it_stands_there() {
        let unmet = [&criterion("Use no commas.", 1.0, None), &criterion("End with a bow.", 1.0, None)];
        let prompt = "Write a poem. Use no commas.\n- End with a bow.\n\n- Be brief.";
        assert_eq!(without(prompt, &unmet), "Write a poem. \n\n- Be brief.");
        assert_eq!(without("Write a poem.", &unmet), "Write a poem.");
    }
}
