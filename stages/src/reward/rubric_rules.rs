//! Criteria that rules decide, parsed from the options or from a file; every fault is placed. Not concerned with sums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::Array as _;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::problem::{Problem, Segment};
use sternlight_engine::stage::{InputFile, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::rubric_options::{CriteriaByTask, CriterionOptions};
use super::rule::{Test, test};
use crate::criteria::Criterion;
use crate::yaml_file;

/// Stands in a file for every task that has no list of its own.
const ANY_TASK: &str = "*";

const TASK: &str = "task_id";

/// A criterion and what decides it.
#[derive(Clone, Debug)]
pub(super) struct RuledCriterion {
    pub(super) id: String,
    text: Option<String>,
    weight: f32,
    test: Test,
}

/// Whose criteria hold for whom.
#[derive(Clone, Debug)]
pub(super) enum RubricRules {
    /// The same for all.
    Same(Vec<RuledCriterion>),
    /// By `task_id`.
    ByTask(BTreeMap<String, Vec<RuledCriterion>>),
}

impl RubricRules {
    /// The criteria of a pipeline.
    ///
    /// # Errors
    /// Every fault, placed below `with`.
    pub(super) fn inline(options: &[CriterionOptions]) -> Result<Self, Vec<Problem>> {
        if options.is_empty() {
            let problem = Problem::at(["criteria"], "a list of no criteria");
            return Err(vec![problem.help("add for example `{id: submitted, tool_called: submit}`")]);
        }
        parse(options).map(Self::Same)
    }

    /// The criteria of a file, which is noted.
    ///
    /// # Errors
    /// If it cannot be read or understood, and every fault of its criteria, all placed at the file's name.
    pub(super) fn from_file(name: &str, directory: &Path, files: &mut Vec<InputFile>) -> Result<Self, Vec<Problem>> {
        let place = ["criteria", "file"];
        let read = yaml_file::read::<CriteriaByTask>("rubric", name, directory, files).map_err(|message| {
            let help = match yaml_file::meant(&message) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "for each `task_id` a list of criteria, as `book: [{id: paid, tool_called: pay}]`".to_owned(),
            };
            vec![Problem::at(place, message).help(help)]
        })?;
        let mut problems = Vec::new();
        let mut by_task = BTreeMap::new();
        for (task, criteria) in read.unwrap_or_default() {
            match parse(&criteria) {
                Ok(criteria) => {
                    by_task.insert(task, criteria);
                }
                Err(faults) => problems.extend(faults.into_iter().map(|fault| Problem {
                    path: place.map(Segment::from).to_vec(),
                    message: format!("{name}: task `{task}`, {}{}", spelled(&fault.path), fault.message),
                    ..fault
                })),
            }
        }
        if problems.is_empty() && by_task.is_empty() {
            problems.push(Problem::at(place, format!("the rubric `{name}` has no task")));
        }
        if problems.is_empty() { Ok(Self::ByTask(by_task)) } else { Err(problems) }
    }

    /// The columns that its rules read of an input of this schema.
    pub(super) fn reads(&self, input: &TrajectorySchema) -> Vec<ColumnPath> {
        let tests = |criteria: &[RuledCriterion]| -> Vec<ColumnPath> {
            criteria.iter().flat_map(|criterion| criterion.test.reads(input)).collect()
        };
        match self {
            Self::Same(criteria) => tests(criteria),
            Self::ByTask(by_task) => {
                by_task.values().flat_map(|criteria| tests(criteria)).chain([ColumnPath::from(TASK)]).collect()
            }
        }
    }

    /// The criteria of every row, decided; `None` for a task that has none.
    ///
    /// # Errors
    /// If the batch lacks a column.
    pub(super) fn decide(&self, batch: &TrajectoryBatch) -> Result<Vec<Option<Vec<Criterion<'_>>>>, StageError> {
        let mut decided = vec![None; batch.rows()];
        match self {
            Self::Same(criteria) => decide_for(criteria, &(0..batch.rows()).collect::<Vec<_>>(), batch, &mut decided)?,
            Self::ByTask(by_task) => {
                let tasks = batch.text(TASK)?;
                let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for row in 0..batch.rows() {
                    let named = tasks.is_valid(row).then(|| tasks.value(row));
                    let task = named.filter(|task| by_task.contains_key(*task)).unwrap_or(ANY_TASK);
                    rows_of.entry(task).or_default().push(row);
                }
                for (task, rows) in rows_of {
                    if let Some(criteria) = by_task.get(task) {
                        decide_for(criteria, &rows, batch, &mut decided)?;
                    }
                }
            }
        }
        Ok(decided)
    }
}

/// Where a fault lies in a list of criteria, in words.
fn spelled(path: &[Segment]) -> String {
    match path {
        [_, Segment::Index(index)] => format!("criterion {}, counted from 1: ", index + 1),
        [_, Segment::Index(index), key, ..] => format!("`{key}` of criterion {}, counted from 1: ", index + 1),
        _ => String::new(),
    }
}

fn decide_for<'a>(
    criteria: &'a [RuledCriterion],
    rows: &[usize],
    batch: &TrajectoryBatch,
    decided: &mut [Option<Vec<Criterion<'a>>>],
) -> Result<(), StageError> {
    for row in rows {
        if let Some(of_row) = decided.get_mut(*row) {
            *of_row = Some(Vec::with_capacity(criteria.len()));
        }
    }
    for RuledCriterion { id, text, weight, test } in criteria {
        let scores = test.scores(batch, rows.iter().copied())?;
        for (row, score) in rows.iter().zip(&scores) {
            let criterion = Criterion {
                id: Some(id.as_str().into()),
                text: text.as_deref().map(Into::into),
                weight: Some(*weight),
                satisfied: score.map(|score| score as f32),
            };
            if let Some(Some(of_row)) = decided.get_mut(*row) {
                of_row.push(criterion);
            }
        }
    }
    Ok(())
}

fn parse(options: &[CriterionOptions]) -> Result<Vec<RuledCriterion>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut criteria = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, criterion) in options.iter().enumerate() {
        let at = |keys: &[&str], message: String| {
            let place = [Segment::from("criteria"), Segment::from(index)];
            Problem::at(place.into_iter().chain(keys.iter().map(|key| Segment::from(*key))), message)
        };
        let CriterionOptions { id, text, weight, .. } = criterion;
        if id.trim().is_empty() {
            problems.push(at(&["id"], "an empty `id`".to_owned()).help("say in a word what is asked"));
        } else if !ids.insert(id) {
            problems.push(at(&["id"], format!("two criteria have the id `{id}`")).help("give each an id of its own"));
        }
        if !(*weight as f32).is_finite() {
            problems.push(at(&["weight"], format!("the weight is {weight:?}, expected a finite number")));
        }
        match test(criterion.rule(), &at) {
            Ok(test) => {
                let (id, text, weight) = (id.clone(), text.clone(), *weight as f32);
                criteria.push(RuledCriterion { id, text, weight, test });
            }
            Err(Problem { path, message, .. }) if path.len() == 2 => {
                let help = "a criterion is decided by one rule: write two rules as two criteria";
                problems.push(Problem::at(path, message).help(help));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(criteria) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(problems: Vec<Problem>) -> String {
        let line = |problem: Problem| {
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        problems.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn all_faults_are_told_with_their_places() {
        let yaml = "[{id: a}, {id: a, exact: x, regex: y}, {id: ' ', exact: x}, {id: b, turns: {}, weight: .inf}]";
        insta::assert_snapshot!(told(RubricRules::inline(&serde_yaml::from_str::<Vec<_>>(yaml).unwrap()).unwrap_err()), @r"
        criteria.0: expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`
        criteria.1.id: two criteria have the id `a`
        criteria.1: expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`
        criteria.2.id: an empty `id`
        criteria.3.weight: the weight is inf, expected a finite number
        criteria.3.turns: expected `min`, `max` or both
        ");
        assert_eq!(told(RubricRules::inline(&[]).unwrap_err()), "criteria: a list of no criteria");
    }

    #[test]
    fn faults_of_a_file_say_where_they_lie_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let fault = |text: &str| {
            std::fs::write(directory.path().join("rubrics.yaml"), text).unwrap();
            told(RubricRules::from_file("rubrics.yaml", directory.path(), &mut Vec::new()).unwrap_err())
        };
        insta::assert_snapshot!(fault("book:\n- {id: a, regexp: x}\n"), @"criteria.file: rubrics.yaml:2:11: book[0]: unknown field `regexp`, expected one of `id`, `text`, `weight`, `exact`, `regex`, `tool_called`, `length`, `turns`, `on`");
        insta::assert_snapshot!(fault("book: [{id: a, exact: x}, {id: a}]\n'*': [{id: b, length: {min: 2, max: 1}}]"), @r"
        criteria.file: rubrics.yaml: task `*`, `length` of criterion 1, counted from 1: `min` 2 is greater than `max` 1
        criteria.file: rubrics.yaml: task `book`, `id` of criterion 2, counted from 1: two criteria have the id `a`
        criteria.file: rubrics.yaml: task `book`, criterion 2, counted from 1: expected exactly one of `exact`, `regex`, `tool_called`, `length` and `turns`
        ");
        insta::assert_snapshot!(fault("# nothing\n"), @"criteria.file: the rubric `rubrics.yaml` has no task");
        let missing = RubricRules::from_file("none.yaml", directory.path(), &mut Vec::new()).unwrap_err();
        assert!(told(missing).starts_with("criteria.file: cannot read the rubric `none.yaml`: "));
    }
}
