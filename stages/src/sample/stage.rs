//! The `sample` stage: its contract, and which rows win. What a lot is has its own file, and so have shares of strata.

use std::collections::BTreeMap;

use arrow::array::{Array as _, BooleanArray};
use arrow::row::{RowConverter, SortField};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, InputFile, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use super::draw::Draw;
use super::options::{SampleOptions, SampleUnit, Share};
use super::strata::shares;
use crate::row_groups::row_groups;

/// Keeps a share of the trajectories or of the groups.
#[derive(Clone, Debug)]
pub struct Sample {
    of: SampleUnit,
    share: Share,
    draw: Draw,
}

/// How many there were to choose from, with `count`: for warnings alone.
const AVAILABLE: &str = ".available";

/// Metric: groups whose rows have several values of the column that strata are made of.
const OF_SEVERAL: &str = "groups_of_several_strata";

impl BuiltIn for Sample {
    type Options = SampleOptions;

    const NAME: &'static str = "sample";
    const SUMMARY: &'static str = "Keeps a share of the trajectories or of the groups, drawn by the pipeline's seed";
    const DOCUMENTATION: &'static str = include_str!("sample.md");
    const VERSION: u32 = 1;

    fn build(options: SampleOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        Ok(Self { of: options.of, share: options.share()?, draw: Draw::new(context) })
    }
}

impl Stage for Sample {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let mut reads = vec![ColumnPath::from(self.of.id())];
        let scope = match &self.share {
            Share::Fraction(_) => Scope::Trajectory,
            Share::Count { stratify, .. } => {
                if let Some(path) = stratify
                    && let Some(field) = input.field(path)
                    && !RowConverter::supports_fields(&[SortField::new(field.data_type().clone())])
                {
                    let message = format!("`{path}` is {}, whose values cannot be told apart", field.data_type());
                    let problem = Problem::at(["stratify"], message);
                    return Err(problem.help("name a column of texts or numbers").into());
                }
                if let Some(path) = stratify {
                    // A number that is none is an error, which names its trajectory.
                    reads.extend([ColumnPath::from("trajectory_id"), path.clone()]);
                    reads.sort();
                    reads.dedup();
                }
                Scope::Dataset
            }
        };
        Ok(Contract { reads, scope, effect: Effect::Subset })
    }

    fn files(&self) -> Vec<InputFile> {
        vec![self.draw.in_keys()]
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let mut warnings = Vec::new();
        let available = metrics.counted(AVAILABLE);
        match &self.share {
            Share::Count { count, .. } if available > 0 && available < *count => warnings.push(format!(
                "`count` asks for {}, and the input has {available}: all are kept",
                self.of.counted(*count)
            )),
            Share::Fraction(fraction) => {
                let dropped = metrics.counted("rows_dropped");
                if dropped > 0 && metrics.counted("rows_kept") == 0 {
                    let dropped = SampleUnit::Trajectories.counted(dropped);
                    warnings.push(format!("nothing is left of {dropped}: none drew a lot within {fraction}"));
                }
            }
            Share::Count { .. } => {}
        }
        let several = metrics.counted(OF_SEVERAL);
        if several > 0 {
            let groups = SampleUnit::Groups.counted(several);
            warnings
                .push(format!("{groups} with several values to stratify by: the value of the first trajectory counts"));
        }
        warnings
    }
}

impl Sample {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let keep = match &self.share {
            Share::Fraction(fraction) => {
                let ids = batch.text(self.of.id())?;
                (0..batch.rows()).map(|row| Some(Draw::is_within(self.draw.lot(ids.value(row)), *fraction))).collect()
            }
            Share::Count { count, stratify } => self.exactly(*count, stratify.as_ref(), batch, context)?,
        };
        let kept = keep.true_count() as u64;
        context.metrics.count("rows_kept", kept);
        context.metrics.count("rows_dropped", keep.len() as u64 - kept);
        Ok(Output::Keep(keep))
    }
}

impl Transform for Sample {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

impl Sample {
    /// Those with the smallest lots: so many of all, or of each stratum its share.
    fn exactly(
        &self,
        count: u64,
        stratify: Option<&ColumnPath>,
        batch: &TrajectoryBatch,
        context: &mut Context,
    ) -> Result<BooleanArray, StageError> {
        let units = match self.of {
            SampleUnit::Trajectories => (0..batch.rows()).map(|row| vec![row]).collect(),
            SampleUnit::Groups => row_groups(batch)?,
        };
        let ids = batch.text(self.of.id())?;
        // In the order of their values, so that neither the order of rows nor that of a hash map decides anything.
        let mut strata: BTreeMap<Vec<u8>, Vec<(u64, &[usize])>> = BTreeMap::new();
        let values = stratify.map(|path| Values::of(batch, path)).transpose()?;
        for rows in &units {
            let Some(first) = rows.first() else { continue };
            let stratum = match &values {
                None => Vec::new(),
                Some(values) => {
                    let value = values.at(*first);
                    let several = rows.iter().any(|row| values.at(*row) != value);
                    if several {
                        context.metrics.count(OF_SEVERAL, 1);
                    }
                    value.to_vec()
                }
            };
            strata.entry(stratum).or_default().push((self.draw.lot(ids.value(*first)), rows));
        }
        let available = units.len() as u64;
        let sizes: Vec<u64> = strata.values().map(|units| units.len() as u64).collect();
        let shares = shares(&sizes, count.min(available));
        let mut keep = vec![false; batch.rows()];
        for (units, share) in strata.values_mut().zip(shares) {
            units.sort_unstable();
            for row in units.iter().take(share as usize).flat_map(|(_, rows)| *rows) {
                if let Some(keep) = keep.get_mut(*row) {
                    *keep = true;
                }
            }
        }
        let kept = count.min(available);
        if self.of == SampleUnit::Groups {
            context.metrics.count("groups_kept", kept);
            context.metrics.count("groups_dropped", available - kept);
        }
        if stratify.is_some() {
            context.metrics.count("strata", strata.len() as u64);
        }
        context.metrics.count(AVAILABLE, available);
        Ok(BooleanArray::from(keep))
    }
}

/// The values of a column in a form that is equal where they are; null is a value of its own.
struct Values(arrow::row::Rows);

impl Values {
    fn of(batch: &TrajectoryBatch, path: &ColumnPath) -> Result<Self, StageError> {
        let array = batch.column(path.as_str());
        let array = array.ok_or_else(|| StageError::new(format!("column `{path}` was not read")))?;
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        Ok(Self(converter.convert_columns(std::slice::from_ref(array))?))
    }

    fn at(&self, row: usize) -> &[u8] {
        self.0.row(row).data()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, imported_schema};

    use super::*;

    fn sample_as(yaml: &str, stage: &str, seed: u64) -> Result<Sample, Vec<Problem>> {
        let context = BuildContext { stage, seed, ..BuildContext::new(Path::new(""), Path::new("")) };
        Sample::build(serde_yaml::from_str(yaml).unwrap(), &context)
    }

    fn sample(yaml: &str) -> Sample {
        sample_as(yaml, "sample", 7).unwrap()
    }

    /// Rows `0`, `1` … in groups of four, a third of them of another environment.
    fn rows(count: usize) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        for row in 0..count {
            builder.push(&TrajectoryRow {
                trajectory_id: row.to_string(),
                group_id: format!("g{}", row / 4),
                env: (row / 4 % 3 > 0).then(|| "shop".to_owned()),
                ..TrajectoryRow::default()
            });
        }
        builder.finish().unwrap()
    }

    fn kept(sample: &Sample, batch: &TrajectoryBatch) -> (Vec<usize>, Metrics) {
        let mut context = Context::default();
        let Output::Keep(keep) = sample.apply(batch, &mut context).unwrap() else {
            panic!("expected a choice of rows")
        };
        ((0..keep.len()).filter(|row| keep.value(*row)).collect(), context.metrics)
    }

    #[test]
    fn about_the_fraction_stays_and_exactly_the_count() {
        let (by_fraction, _) = kept(&sample("{fraction: 0.25}"), &rows(4000));
        assert!((900..1100).contains(&by_fraction.len()), "{}", by_fraction.len());
        assert_eq!(kept(&sample("{count: 250}"), &rows(4000)).0.len(), 250);
        assert_eq!(kept(&sample("{fraction: 1}"), &rows(100)).0.len(), 100);
        let (of_groups, metrics) = kept(&sample("{of: groups, count: 25}"), &rows(400));
        assert_eq!(of_groups.len(), 100);
        assert!(of_groups.chunks(4).all(|rows| rows[0] % 4 == 0 && rows[3] == rows[0] + 3), "whole groups");
        assert_eq!((metrics.counted("groups_kept"), metrics.counted("groups_dropped")), (25, 75));
    }

    #[test]
    fn seed_and_name_decide_and_stand_in_the_key() {
        let draws = [("a", 1), ("a", 2), ("b", 1)].map(|(stage, seed)| sample_as("{count: 50}", stage, seed).unwrap());
        let chosen: Vec<_> = draws.iter().map(|sample| kept(sample, &rows(400)).0).collect();
        assert!(chosen[0] != chosen[1] && chosen[0] != chosen[2] && chosen[1] != chosen[2]);
        let keys: Vec<_> = draws.iter().map(|sample| sample.files()[0].digest.clone()).collect();
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert_eq!(kept(&sample_as("{count: 50}", "a", 1).unwrap(), &rows(400)).0, chosen[0]);
    }

    #[test]
    fn strata_keep_their_shares_and_null_is_one() {
        let (chosen, metrics) = kept(&sample("{count: 30, stratify: env}"), &rows(120));
        assert_eq!(chosen.iter().filter(|row| *row / 4 % 3 == 0).count(), 10);
        assert_eq!((chosen.len(), metrics.counted("strata")), (30, 2));
        let (_, metrics) = kept(&sample("{of: groups, count: 9, stratify: trajectory_id}"), &rows(120));
        insta::assert_snapshot!(
            sample("{of: groups, count: 9, stratify: trajectory_id}").warnings(&metrics).join("\n"),
            @"30 groups with several values to stratify by: the value of the first trajectory counts"
        );
    }

    #[test]
    fn too_few_rows_and_none_kept_are_warnings() {
        let warned = |yaml: &str, rows: &TrajectoryBatch| {
            let sample = sample(yaml);
            sample.warnings(&kept(&sample, rows).1).join("\n")
        };
        insta::assert_snapshot!(warned("{count: 9}", &rows(4)), @"`count` asks for 9 trajectories, and the input has 4: all are kept");
        insta::assert_snapshot!(warned("{of: groups, count: 2}", &rows(4)), @"`count` asks for 2 groups, and the input has 1: all are kept");
        insta::assert_snapshot!(warned("{fraction: 1e-9}", &rows(4)), @"nothing is left of 4 trajectories: none drew a lot within 0.000000001");
        assert_eq!(warned("{count: 4}", &rows(4)), "");
    }

    #[test]
    fn options_are_strict() {
        let fault = |yaml: &str| {
            let problem = sample_as(yaml, "sample", 0).unwrap_err().remove(0);
            let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
            format!("{}: {}", path.join("."), problem.message)
        };
        insta::assert_snapshot!(fault("{}"), @": neither `fraction` nor `count` is given, expected one of them");
        insta::assert_snapshot!(fault("{fraction: 0.1, count: 3}"), @"count: `fraction` and `count` are both given, expected one of them");
        insta::assert_snapshot!(fault("{fraction: 1.5}"), @"fraction: `fraction` is 1.5, expected a number above 0, at most 1");
        insta::assert_snapshot!(fault("{fraction: .nan}"), @"fraction: `fraction` is NaN, expected a number above 0, at most 1");
        insta::assert_snapshot!(fault("{count: 0}"), @"count: `count` is 0, expected at least 1");
        insta::assert_snapshot!(fault("{fraction: 0.5, stratify: env}"), @"stratify: `stratify` lays out a `count`, and `fraction` is given");
        insta::assert_snapshot!(fault("{count: 5, stratify: turns.tool_name}"), @"stratify: `turns.tool_name` has a value for each turn, expected a column of trajectories");
        assert!(serde_yaml::from_str::<SampleOptions>("{count: 1, seed: 3}").is_err());
    }

    #[test]
    fn only_ids_are_read_and_fractions_need_no_whole() {
        let contract = |yaml: &str| {
            let contract = sample(yaml).contract(&InputTypes::from(&imported_schema())).unwrap();
            let reads: Vec<&str> = contract.reads.iter().map(ColumnPath::as_str).collect();
            format!("{:?} {}", contract.scope, reads.join(" "))
        };
        assert_eq!(contract("{fraction: 0.5, of: groups}"), "Trajectory group_id");
        assert_eq!(contract("{count: 5, stratify: env}"), "Dataset env trajectory_id");
    }

    proptest! {
        /// What was kept stays when rows come or go, and when more is asked for.
        #[test]
        fn a_fraction_is_stable(all in 1_usize..200, fewer in 1_usize..200, fraction in 0.01_f64..0.99, more in 0.0_f64..0.5) {
            let of = |count: usize, fraction: f64| kept(&sample(&format!("{{fraction: {fraction}}}")), &rows(count)).0;
            let whole = of(all, fraction);
            let part = of(fewer.min(all), fraction);
            prop_assert_eq!(&part[..], &whole[..part.len()]);
            let larger = of(all, (fraction + more).min(1.0));
            prop_assert!(whole.iter().all(|row| larger.contains(row)));
        }

        #[test]
        fn a_count_is_exact(all in 1_usize..120, count in 1_usize..120, strata in any::<bool>()) {
            let stratify = if strata { ", stratify: env" } else { "" };
            let (chosen, _) = kept(&sample(&format!("{{count: {count}{stratify}}}")), &rows(all));
            prop_assert_eq!(chosen.len(), count.min(all));
        }
    }
}
