//! The user's own trajectories through a plugin: how many have values, what is wrong with the others, and what the values are
//! like.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::answers::{Answer, COPIES, names, short};
use super::calls::Calls;
use super::report::{Check, trajectories};
use super::rows::{Rows, rows_of_calls};

/// Errors that are told one by one.
const ERRORS: usize = 20;

/// Different texts that are counted one by one.
const TEXTS: usize = 8;

const TAKE: &str = "a trajectory that a plugin cannot take gets an error of its own, and the others go on";

/// What a plugin made of recorded trajectories.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordedFigures {
    /// All of them.
    pub trajectories: usize,
    /// Those that the plugin had no value for, or broke at.
    pub errors: usize,
    /// The first of them: id, and why.
    pub first_errors: Vec<(String, String)>,
    /// What the others have, a column each.
    pub values: Vec<RecordedValues>,
}

/// The values of a column, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordedValues {
    /// Its path.
    pub column: String,
    /// Values, of rows or turns.
    pub values: usize,
    /// Rows or turns without one.
    pub nulls: usize,
    /// Least, mean and greatest number.
    pub numbers: Option<[f64; 3]>,
    /// Texts and truth values, the most frequent first, if there are few different ones.
    pub texts: Vec<(String, usize)>,
}

/// Calls for batches as a run would, some hundred rows or whole groups at once, but each on a fresh instance.
///
/// # Errors
/// If the trajectories cannot be read.
pub(super) fn recorded(
    calls: &Calls<'_>,
    batches: &mut dyn Iterator<Item = Result<TrajectoryBatch, StageError>>,
) -> Result<(Check, RecordedFigures), StageError> {
    let contract = &calls.stage.contract;
    let mut check = Check::new("data", "");
    let mut tally = Tally::new(names(contract));
    for rows in rows_of_calls(contract, batches)? {
        tally.take(calls, &rows?, &mut check)?;
    }
    let figures = tally.finished();
    let with_values = trajectories(figures.trajectories - figures.errors);
    check.did = format!("{with_values} with values, {} with an error", figures.errors);
    Ok((check, figures))
}

/// What is counted.
struct Tally {
    figures: RecordedFigures,
    /// A column each: sum of its numbers, and its texts.
    sums: Vec<(f64, BTreeMap<String, usize>)>,
}

impl Tally {
    fn new(columns: Vec<String>) -> Self {
        let values: Vec<_> =
            columns.into_iter().map(|column| RecordedValues { column, ..RecordedValues::default() }).collect();
        let sums = values.iter().map(|_| (0.0, BTreeMap::new())).collect();
        Self { figures: RecordedFigures { values, ..RecordedFigures::default() }, sums }
    }

    /// Counts the answers for some rows. Where a call comes to nothing, each half is called for by itself.
    fn take(&mut self, calls: &Calls<'_>, rows: &Rows, check: &mut Check) -> Result<(), StageError> {
        let broken = match calls.fresh(rows) {
            Ok(answers) => {
                for (row, answer) in answers.iter().enumerate() {
                    self.figures.trajectories += 1;
                    match answer {
                        Answer::Error(message) => self.error(rows.batch.name_of(row), message.clone()),
                        Answer::Refused(reason) => {
                            let trajectory = rows.batch.name_of(row);
                            check.fail(format!("trajectory `{trajectory}`: {reason}"), TAKE);
                            self.error(trajectory, reason.clone());
                        }
                        Answer::Values(values) => self.values(values),
                    }
                }
                return Ok(());
            }
            Err(broken) => broken,
        };
        if rows.units.len() > 1 {
            let middle = rows.units.len() / 2;
            self.take(calls, &rows.part(0..middle)?, check)?;
            return self.take(calls, &rows.part(middle..rows.units.len())?, check);
        }
        for row in 0..rows.batch.rows() {
            self.figures.trajectories += 1;
            self.error(rows.batch.name_of(row), broken.message.clone());
        }
        broken.fail(check, TAKE);
        Ok(())
    }

    fn error(&mut self, trajectory: String, message: String) {
        self.figures.errors += 1;
        if self.figures.first_errors.len() < ERRORS {
            self.figures.first_errors.push((trajectory, message));
        }
    }

    fn values(&mut self, values: &[String]) {
        for ((text, column), sum) in values.iter().zip(&mut self.figures.values).zip(&mut self.sums) {
            let value = serde_json::from_str(text).unwrap_or(Value::Null);
            match value {
                Value::Array(turns) if column.column.starts_with("turns.") => {
                    turns.iter().for_each(|turn| count(turn, column, sum));
                }
                Value::Array(copies) if column.column == COPIES => count(&copies.len().into(), column, sum),
                other => count(&other, column, sum),
            }
        }
    }

    fn finished(mut self) -> RecordedFigures {
        for (column, (sum, texts)) in self.figures.values.iter_mut().zip(self.sums) {
            if let Some(numbers) = &mut column.numbers {
                numbers[1] = sum / column.values.max(1) as f64;
            }
            let mut texts: Vec<(String, usize)> = texts.into_iter().collect();
            texts.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
            if texts.len() <= TEXTS {
                column.texts = texts.into_iter().map(|(text, times)| (short(&text), times)).collect();
            }
        }
        self.figures
    }
}

fn count(value: &Value, column: &mut RecordedValues, (sum, texts): &mut (f64, BTreeMap<String, usize>)) {
    if value.is_null() {
        column.nulls += 1;
        return;
    }
    column.values += 1;
    if let Some(number) = value.as_f64() {
        *sum += number;
        let [least, _, greatest] = column.numbers.unwrap_or([number, 0.0, number]);
        column.numbers = Some([least.min(number), 0.0, greatest.max(number)]);
    } else if texts.len() <= TEXTS {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        *texts.entry(text).or_default() += 1;
    }
}
