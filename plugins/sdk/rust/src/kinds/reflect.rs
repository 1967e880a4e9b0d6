//! Reflections: a verdict and a diagnosis of each turn.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::reward::one_a_turn;
use crate::definition::{Columns, Definition, define};
use crate::error::Result;
use crate::output::Output;
use crate::trajectory::{Rows, Trajectory};

/// What is to be said about one turn; the default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reflection {
    /// In a word.
    pub verdict: Option<String>,
    /// In a sentence.
    pub diagnosis: Option<String>,
}

/// A reflection on turns. Called by [`reflect!`](crate::reflect!).
pub fn reflect<C>(function: fn(&Trajectory<'_>, &C) -> Result<Vec<Reflection>>, reads: Columns) -> Definition
where
    C: DeserializeOwned + JsonSchema + 'static,
{
    define(reads, &[("turns.verdict", "utf8"), ("turns.diagnosis", "utf8")], move |batch, config: &C| {
        let mut output = Output::new();
        let (mut verdicts, mut diagnoses) = (Vec::new(), Vec::new());
        for (row, trajectory) in Rows::new(batch)?.trajectories().enumerate() {
            let turns = trajectory.turns().len();
            let said = function(&trajectory, config).and_then(|said| {
                one_a_turn(said.len(), turns, "reflection")?;
                Ok(said)
            });
            let said = said.unwrap_or_else(|error| {
                output.fail(row, error);
                vec![Reflection::default(); turns]
            });
            for Reflection { verdict, diagnosis } in said {
                verdicts.push(verdict);
                diagnoses.push(diagnosis);
            }
        }
        Ok(output.with("turns.verdict", verdicts).with("turns.diagnosis", diagnoses))
    })
}
