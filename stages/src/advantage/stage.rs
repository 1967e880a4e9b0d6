//! The `advantage` stage: from options to an estimator, and its contract. The estimators have their own files.

use arrow::array::Array as _;
use arrow::datatypes::DataType;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{AddedColumn, Contract, Effect, InputTypes};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::gigpo::Gigpo;
use super::method::{DEFAULT_INTO, Method};
use super::options::Options;
use super::outcome::GroupRelative;
use super::whitening::Whitening;

/// Turns rewards into one advantage for each turn.
#[derive(Debug)]
pub struct Advantage {
    method: Method,
    /// Where the advantage goes.
    into: ColumnPath,
    /// Where the return goes, of estimators that have one: beside the advantage.
    into_return: ColumnPath,
}

/// Metric: values of these columns that were there and are not any more.
const REPLACED: &str = "values_replaced";

impl BuiltIn for Advantage {
    type Options = Options;

    const NAME: &'static str = "advantage";
    const SUMMARY: &'static str = "Turns rewards into an advantage for each turn, relative to a group or the dataset";
    const DOCUMENTATION: &'static str = include_str!("advantage.md");
    const VERSION: u32 = 1;
    const PROVIDES: &'static [&'static str] = &["turns.advantage", "turns.return"];

    fn build(options: Options, _context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let problems = options.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let into = ColumnPath::from(options.into.as_deref().unwrap_or(DEFAULT_INTO));
        let into_return = if into.as_str() == DEFAULT_INTO {
            ColumnPath::from("turns.return")
        } else {
            ColumnPath::new(format!("{into}_return"))
        };
        Ok(Self { method: Method::from(&options), into, into_return })
    }
}

impl Stage for Advantage {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let (scope, mut reads) = match &self.method {
            Method::GroupRelative(method) => (method.scope(), GroupRelative::reads()),
            Method::Whitening(method) => (Whitening::SCOPE, method.reads(input)?),
            Method::Gigpo(method) => (Gigpo::SCOPE, method.reads(input)?),
            Method::TurnReturn(method) => (method.scope(), method.reads(input)),
        };
        let advantage = AddedColumn::new(self.into.clone(), DataType::Float32);
        let adds = match self.method {
            Method::GroupRelative(_) => vec![advantage],
            Method::Whitening(_) | Method::Gigpo(_) | Method::TurnReturn(_) => {
                vec![AddedColumn::new(self.into_return.clone(), DataType::Float32), advantage]
            }
        };
        let other = adds
            .iter()
            .find(|column| input.field(&column.path).is_some_and(|field| *field.data_type() != DataType::Float32));
        if let Some(column) = other {
            let message = format!("the input's `{}` holds no advantages: it is no float32 column", column.path);
            return Err(vec![Problem::at(["into"], message).help("choose another name for `into`")]);
        }
        // What is replaced is counted, so that it is not lost silently.
        reads.extend(adds.iter().map(|column| &column.path).filter(|path| input.has(path.as_str())).cloned());
        Ok(Contract { reads, scope, effect: Effect::Columns { adds, drops: Vec::new() } })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let mut warnings = match &self.method {
            Method::GroupRelative(_) => Vec::new(),
            Method::Whitening(method) => method.warnings(metrics),
            Method::Gigpo(method) => method.warnings(metrics),
            Method::TurnReturn(method) => method.warnings(metrics),
        };
        let replaced = metrics.counted(REPLACED);
        if replaced > 0 {
            let into = &self.into;
            warnings.push(format!(
                "replaces {replaced} values of an earlier stage in `{into}` or beside it: `into: {into}_2` keeps both"
            ));
        }
        warnings
    }
}

impl Advantage {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        for path in [&self.into, &self.into_return] {
            let replaced = batch.column(path.as_str()).map_or(0, |column| column.len() - column.null_count());
            if replaced > 0 {
                context.metrics.count(REPLACED, replaced as u64);
            }
        }
        Ok(Output::Columns(match &self.method {
            Method::GroupRelative(method) => method.apply(batch, context)?,
            Method::Whitening(method) => method.apply(batch, context)?,
            Method::Gigpo(method) => method.apply(batch, context)?,
            Method::TurnReturn(method) => method.apply(batch, context)?,
        }))
    }
}

impl Transform for Advantage {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}
