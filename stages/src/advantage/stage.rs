//! The `advantage` stage: from options to an estimator, and its contract. The estimators have their own files.

use arrow::datatypes::DataType;
use sternlight_engine::contract::{AddedColumn, Contract, Effect};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{BuildContext, BuiltIn, Context, Output, Stage, StageError, Transform, Work};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::gigpo::Gigpo;
use super::method::Method;
use super::options::Options;
use super::outcome::GroupRelative;
use super::whitening::Whitening;

/// Turns rewards into one advantage for each turn.
#[derive(Debug)]
pub struct Advantage {
    method: Method,
}

impl BuiltIn for Advantage {
    type Options = Options;

    const NAME: &'static str = "advantage";
    const SUMMARY: &'static str = "Turns rewards into an advantage for each turn, relative to a group or the dataset";
    const DOCUMENTATION: &'static str = include_str!("advantage.md");
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["turns.advantage", "turns.return"];

    fn build(options: Options, _context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let problems = options.problems();
        if problems.is_empty() { Ok(Self { method: Method::from(&options) }) } else { Err(problems) }
    }
}

impl Stage for Advantage {
    fn contract(&self, input: &TrajectorySchema) -> Result<Contract, Vec<Problem>> {
        let (scope, reads) = match &self.method {
            Method::GroupRelative(method) => (method.scope(), GroupRelative::reads()),
            Method::Whitening(method) => (Whitening::SCOPE, method.reads(input)?),
            Method::Gigpo(method) => (Gigpo::SCOPE, method.reads(input)?),
            Method::TurnReturn(method) => (method.scope(), method.reads(input)),
        };
        let advantage = AddedColumn::new("turns.advantage", DataType::Float32);
        let adds = match self.method {
            Method::GroupRelative(_) => vec![advantage],
            Method::Whitening(_) | Method::Gigpo(_) | Method::TurnReturn(_) => {
                vec![AddedColumn::new("turns.return", DataType::Float32), advantage]
            }
        };
        Ok(Contract { reads, scope, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        match &self.method {
            Method::GroupRelative(_) => Vec::new(),
            Method::Whitening(method) => method.warnings(metrics),
            Method::Gigpo(method) => method.warnings(metrics),
            Method::TurnReturn(method) => method.warnings(metrics),
        }
    }
}

impl Transform for Advantage {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Columns(match &self.method {
            Method::GroupRelative(method) => method.apply(batch, context)?,
            Method::Whitening(method) => method.apply(batch, context)?,
            Method::Gigpo(method) => method.apply(batch, context)?,
            Method::TurnReturn(method) => method.apply(batch, context)?,
        }))
    }
}
