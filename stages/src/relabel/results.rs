//! What came back for what was done, and whether it was an error. By the verdict that `reflect` or a plugin left, else by the
//! record's mark, else by how the text begins.

use arrow::array::{Array as _, BooleanArray, StringArray};
use regex::Regex;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::attempts::text_at;
use super::way::present;

const OPTIONAL: [&str; 4] = ["turns.tool_error", "turns.tool_answered", "turns.verdict", "final_observation"];

/// How an error begins, where nobody has judged it.
const ERROR: &str = r#"^(?i)[\s\W]{0,8}(error|exception|traceback|fatal|failed|failure|invalid|unknown)\b|^\s*\{\s*"error"\s*:\s*"[^"]"#;

/// The observation that followed a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen<'a> {
    pub(super) text: &'a str,
    pub(super) is_error: bool,
}

/// Reads results.
#[derive(Debug)]
pub(super) struct Results {
    error: Regex,
}

impl Results {
    /// # Errors
    /// Never, for a pattern that is tested.
    pub(super) fn new() -> Result<Self, regex::Error> {
        Ok(Self { error: Regex::new(ERROR)? })
    }

    /// The columns that it reads.
    pub(super) fn reads(input: &TrajectorySchema) -> Vec<ColumnPath> {
        ["turns.observation".into()].into_iter().chain(present(input, &OPTIONAL)).collect()
    }

    /// Those of a batch.
    ///
    /// # Errors
    /// If a column has another type.
    pub(super) fn of<'a>(&'a self, batch: &'a TrajectoryBatch) -> Result<ResultsOf<'a>, StageError> {
        let text = |path: &str| batch.column(path).map(|_| batch.text(path)).transpose();
        let mark = |path: &str| batch.column(path).map(|_| batch.boolean(path)).transpose();
        Ok(ResultsOf {
            error: &self.error,
            batch,
            observation: batch.text("turns.observation")?,
            last: text("final_observation")?,
            verdict: text("turns.verdict")?,
            tool_error: mark("turns.tool_error")?,
            tool_answered: mark("turns.tool_answered")?,
        })
    }
}

/// The results of a batch.
pub(super) struct ResultsOf<'a> {
    error: &'a Regex,
    batch: &'a TrajectoryBatch,
    observation: &'a StringArray,
    last: Option<&'a StringArray>,
    verdict: Option<&'a StringArray>,
    tool_error: Option<&'a BooleanArray>,
    tool_answered: Option<&'a BooleanArray>,
}

impl<'a> ResultsOf<'a> {
    /// What came back for the turns of a row, in order; nothing for calls that got no result.
    pub(super) fn row(&self, row: usize) -> Vec<Seen<'a>> {
        let turns = self.batch.turns_of(row);
        let seen = |turn: usize| {
            if mark_at(self.tool_answered, turn) == Some(false) {
                return None;
            }
            let next = match turn + 1 == turns.end {
                true => text_at(self.last, row),
                false => text_at(Some(self.observation), turn + 1),
            };
            let text = next?;
            let judged = text_at(self.verdict, turn).map(|verdict| matches!(verdict, "failed" | "invalid"));
            let marked = mark_at(self.tool_error, turn).filter(|is_error| *is_error);
            let is_error = judged.or(marked).unwrap_or_else(|| self.error.is_match(text));
            Some(Seen { text, is_error })
        };
        turns.clone().filter_map(seen).collect()
    }
}

fn mark_at(column: Option<&BooleanArray>, index: usize) -> Option<bool> {
    column.filter(|column| column.is_valid(index)).map(|column| column.value(index))
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    use super::*;

    #[test]
    fn results_are_read_by_mark_and_by_how_they_begin() {
        let turn = |observation: &str, tool_error, tool_answered| TurnRow {
            observation: observation.to_owned(),
            tool_error,
            tool_answered,
            ..TurnRow::default()
        };
        let mut builder = TrajectoryBuilder::new();
        builder.push(&TrajectoryRow {
            turns: vec![
                turn("Error: was there before", None, Some(true)),
                turn("three bookings, no error", Some(true), None),
                turn("it is gone", Some(false), None),
                turn("  [ERROR] gone", None, Some(false)),
                turn("nobody's answer", None, None),
            ],
            final_observation: Some(r#"{"error": "gone"}"#.to_owned()),
            ..TrajectoryRow::default()
        });
        let batch = builder.finish().unwrap();
        let results = Results::new().unwrap();
        let seen = results.of(&batch).unwrap().row(0);
        let told: Vec<_> = seen.iter().map(|seen| (seen.text, seen.is_error)).collect();
        let expected = [
            ("three bookings, no error", false),
            ("it is gone", true),
            ("  [ERROR] gone", true),
            (r#"{"error": "gone"}"#, true),
        ];
        assert_eq!(told, expected);
    }
}
