//! The `filter` stage: its options, and how a condition becomes a choice of rows.

use arrow::array::{Array as _, AsArray as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::form::Form;
use super::formula::{Evaluation, Formula};
use super::parse::WHERE;

/// Options of `filter`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterOptions {
    /// The SQL condition that a trajectory must meet to stay, as `reward > 0 and length(turns) < 30`.
    #[serde(rename = "where")]
    pub condition: String,
}

/// Keeps the trajectories that meet a condition.
#[derive(Debug)]
pub struct Filter(Formula);

impl BuiltIn for Filter {
    type Options = FilterOptions;

    const NAME: &'static str = "filter";
    const SUMMARY: &'static str = "Keeps the trajectories that meet a condition";
    const DOCUMENTATION: &'static str = include_str!("documentation.md");
    const VERSION: u32 = 2;

    fn build(options: FilterOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self(Formula::parse(&options.condition, Form::Condition, [WHERE])?))
    }
}

impl Stage for Filter {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let reads = self.0.over(inputs.data())?.reads;
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let dropped = metrics.counted("rows_dropped");
        if dropped == 0 || metrics.counted("rows_kept") > 0 {
            return Vec::new();
        }
        let all = if dropped == 1 { "the only trajectory".to_owned() } else { format!("all {dropped} trajectories") };
        let unknown = match metrics.counted(UNKNOWN) {
            0 => String::new(),
            unknown => format!("; of {unknown} the condition is null, which counts as no"),
        };
        vec![format!("{all} were dropped{unknown}")]
    }
}

/// How many rows nothing is known of: for warnings alone.
const UNKNOWN: &str = ".rows unknown";

impl Transform for Filter {
    /// Such a number is null in a condition.
    fn takes_any_number(&self) -> bool {
        true
    }

    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(Filtering(self.0.begin())))
    }
}

/// A filter at work.
struct Filtering<'a>(Evaluation<'a>);

impl Session for Filtering<'_> {
    fn apply(&mut self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let keep = self.0.values(batch)?.as_boolean().clone();
        let kept = keep.true_count() as u64;
        context.metrics.count("rows_kept", kept);
        context.metrics.count("rows_dropped", keep.len() as u64 - kept);
        if keep.null_count() > 0 {
            context.metrics.count(UNKNOWN, keep.null_count() as u64);
        }
        Ok(Output::Keep(keep))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{batch, filter};
    use super::*;

    #[test]
    fn rows_are_counted_over_batches_and_schemas() {
        let filter = filter("reward > 0").unwrap();
        let mut context = Context::default();
        let whole = batch();
        let narrow = whole.record_batch().project(&[whole.record_batch().schema().index_of("reward").unwrap()]);
        for batch in [whole.clone(), TrajectoryBatch::new(narrow.unwrap()).unwrap(), whole] {
            filter.apply_once(&batch, &mut context).unwrap();
        }
        assert_eq!((context.metrics.counted("rows_kept"), context.metrics.counted("rows_dropped")), (3, 9));
        assert!(filter.warnings(&context.metrics).is_empty());
    }

    #[test]
    fn a_filter_that_keeps_nothing_says_so() {
        let filter = filter("reward > 5").unwrap();
        let mut context = Context::default();
        assert!(filter.warnings(&context.metrics).is_empty());
        filter.apply_once(&batch(), &mut context).unwrap();
        insta::assert_snapshot!(
            filter.warnings(&context.metrics).join("\n"),
            @"all 4 trajectories were dropped; of 1 the condition is null, which counts as no"
        );
    }

    #[test]
    fn options_are_strict() {
        let decode = |yaml: &str| serde_yaml::from_str::<FilterOptions>(yaml).map(|options| options.condition);
        assert_eq!(decode("where: reward > 0").unwrap(), "reward > 0");
        assert!(decode("where: reward > 0\nlimit: 3").is_err());
        assert!(decode("{}").is_err());
    }
}
