//! Keeps the best trajectories of each group, by a column.

use arrow::array::BooleanArray;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Output, Session, Stage, StageError, TaskContext, Transform, Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::ranked::{ranks, unranked};
use crate::row_groups::row_groups;

/// Options of `best-of`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestOfOptions {
    /// How many trajectories of each group are kept; all that have a value, if there are fewer.
    #[serde(default = "one")]
    pub count: u64,
    /// The column of trajectories that says how good one is: numbers, or true and false.
    #[serde(default = "reward")]
    pub column: String,
    /// Which values are best.
    #[serde(default)]
    pub order: Order,
    /// A trajectory whose value is below this is not kept, be it the best of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
}

fn one() -> u64 {
    1
}

fn reward() -> String {
    "reward".to_owned()
}

/// Which values are best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The highest.
    #[default]
    Highest,
    /// The lowest: the worst trajectories by a reward, the cheapest by a cost.
    Lowest,
}

/// Keeps the best trajectories of each group.
#[derive(Clone, Debug)]
pub struct BestOf(BestOfOptions);

impl BuiltIn for BestOf {
    type Options = BestOfOptions;

    const NAME: &'static str = "best-of";
    const SUMMARY: &'static str = "Keeps the best trajectories of each group";
    const DOCUMENTATION: &'static str = include_str!("best_of.md");
    const VERSION: u32 = 1;

    fn build(options: BestOfOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if options.count == 0 {
            problems.push(Problem::at(["count"], "`count` is 0, expected at least 1"));
        }
        if let Some(minimum) = options.minimum.filter(|minimum| !minimum.is_finite()) {
            problems.push(Problem::at(["minimum"], format!("`minimum` is {minimum}, expected a finite number")));
        }
        if problems.is_empty() { Ok(Self(options)) } else { Err(problems) }
    }
}

impl Stage for BestOf {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        if let Some(problem) = unranked(&self.0.column, "column", input) {
            return Err(problem.into());
        }
        let reads = ["trajectory_id", "group_id", self.0.column.as_str()].map(ColumnPath::from).to_vec();
        Ok(Contract { reads, scope: Scope::Group, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let dropped = metrics.counted("groups_dropped");
        if dropped == 0 || metrics.counted("groups_kept") > 0 {
            return Vec::new();
        }
        let below = match (self.0.minimum, metrics.counted(BELOW)) {
            (Some(minimum), below) if below > 0 => format!(", and {below} are below the minimum of {minimum}"),
            _ => String::new(),
        };
        let unscored = metrics.counted(UNSCORED);
        let column = &self.0.column;
        let all = if dropped == 1 { "the only group was".to_owned() } else { format!("all {dropped} groups were") };
        vec![format!("{all} dropped: {unscored} trajectories have no `{column}`{below}")]
    }
}

/// Metric: rows without a value.
const UNSCORED: &str = "rows_unscored";
/// Metric: rows whose value is below the minimum.
const BELOW: &str = "rows_below_minimum";

impl BestOf {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let BestOfOptions { count, column, order, minimum } = &self.0;
        let values = ranks(batch, column)?;
        let mut keep = vec![false; batch.rows()];
        let (mut unscored, mut below, mut kept_groups, mut kept_rows) = (0_u64, 0_u64, 0_u64, 0_u64);
        let groups = row_groups(batch)?;
        for rows in &groups {
            let mut scored: Vec<(f64, usize)> = Vec::with_capacity(rows.len());
            for row in rows {
                match values.get(*row).copied().flatten() {
                    None => unscored += 1,
                    Some(value) if minimum.is_some_and(|minimum| value < minimum) => below += 1,
                    // Negative zero equals zero, which a total order denies.
                    Some(value) => scored.push((value + 0.0, *row)),
                }
            }
            // Stable: of equal values the first row comes first.
            match order {
                Order::Highest => scored.sort_by(|left, right| right.0.total_cmp(&left.0)),
                Order::Lowest => scored.sort_by(|left, right| left.0.total_cmp(&right.0)),
            }
            let best = scored.iter().take(usize::try_from(*count).unwrap_or(usize::MAX));
            kept_groups += u64::from(!scored.is_empty());
            for (_, row) in best {
                kept_rows += 1;
                if let Some(keep) = keep.get_mut(*row) {
                    *keep = true;
                }
            }
        }
        for (name, counted) in [
            ("groups_kept", kept_groups),
            ("groups_dropped", groups.len() as u64 - kept_groups),
            ("rows_kept", kept_rows),
            ("rows_dropped", batch.rows() as u64 - kept_rows),
        ] {
            context.metrics.count(name, counted);
        }
        for (name, counted) in [(UNSCORED, unscored), (BELOW, below)].into_iter().filter(|(_, counted)| *counted > 0) {
            context.metrics.count(name, counted);
        }
        Ok(Output::Keep(BooleanArray::from(keep)))
    }
}

impl Transform for BestOf {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, imported_schema};

    use super::*;

    fn best_of(yaml: &str) -> Result<BestOf, Vec<Problem>> {
        BestOf::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new("")))
    }

    fn batch(rows: &[(&str, Option<f32>)]) -> TrajectoryBatch {
        let mut builder = TrajectoryBuilder::new();
        for (index, (group, reward)) in rows.iter().enumerate() {
            builder.push(&TrajectoryRow {
                trajectory_id: format!("t{index}"),
                group_id: (*group).to_owned(),
                reward: *reward,
                success: reward.map(|reward| reward > 0.0),
                ..TrajectoryRow::default()
            });
        }
        builder.finish().unwrap()
    }

    fn kept(yaml: &str, rows: &[(&str, Option<f32>)]) -> (Vec<usize>, Metrics) {
        let mut context = Context::default();
        let output = best_of(yaml).unwrap().apply(&batch(rows), &mut context).unwrap();
        let Output::Keep(keep) = output else { panic!("expected a choice of rows") };
        ((0..keep.len()).filter(|row| keep.value(*row)).collect(), context.metrics)
    }

    const ROWS: [(&str, Option<f32>); 8] = [
        ("a", Some(0.0)),
        ("b", None),
        ("a", Some(1.0)),
        ("b", Some(-1.0)),
        ("a", Some(1.0)),
        ("c", None),
        ("a", None),
        ("b", Some(-0.5)),
    ];

    #[test]
    fn the_first_of_the_best_stays_and_null_is_never_best() {
        let (rows, metrics) = kept("{}", &ROWS);
        assert_eq!(rows, [2, 7]);
        let counted = ["groups_kept", "groups_dropped", "rows_kept", "rows_dropped", "rows_unscored"];
        assert_eq!(counted.map(|name| metrics.counted(name)), [2, 1, 2, 6, 3]);
        assert_eq!(kept("{count: 2}", &ROWS).0, [2, 3, 4, 7]);
        assert_eq!(kept("{order: lowest}", &ROWS).0, [0, 3]);
        assert_eq!(kept("{column: success, count: 3}", &ROWS).0, [0, 2, 3, 4, 7]);
        assert_eq!(kept("{}", &[("a", Some(-0.0)), ("a", Some(0.0))]).0, [0], "zero has no sign");
    }

    #[test]
    fn what_is_below_the_minimum_is_not_good_enough() {
        let (rows, metrics) = kept("{minimum: -0.5}", &ROWS);
        assert_eq!((rows, metrics.counted("rows_below_minimum")), (vec![2, 7], 1));
        let (rows, metrics) = kept("{minimum: 2}", &ROWS);
        assert_eq!(rows, Vec::<usize>::new());
        insta::assert_snapshot!(
            best_of("{minimum: 2}").unwrap().warnings(&metrics).join("\n"),
            @"all 3 groups were dropped: 3 trajectories have no `reward`, and 5 are below the minimum of 2"
        );
    }

    #[test]
    fn options_and_columns_are_checked() {
        let fault = |yaml: &str| {
            let found = best_of(yaml).and_then(|stage| stage.contract(&InputTypes::from(&imported_schema())));
            let problem = found.unwrap_err().remove(0);
            format!("{}: {}", problem.path[0], problem.message)
        };
        insta::assert_snapshot!(fault("{count: 0}"), @"count: `count` is 0, expected at least 1");
        insta::assert_snapshot!(fault("{minimum: .inf}"), @"minimum: `minimum` is inf, expected a finite number");
        insta::assert_snapshot!(fault("{column: env}"), @"column: `env` is Utf8, expected numbers, or true and false");
        insta::assert_snapshot!(fault("{column: turns.reward}"), @"column: `turns.reward` has a value for each turn, expected a column of trajectories");
        assert!(serde_yaml::from_str::<BestOfOptions>("{worst: true}").is_err());
    }

    proptest! {
        /// No row that is left out is better than one that is kept, and no group keeps more than it may.
        #[test]
        fn nothing_better_is_left_out(
            rows in prop::collection::vec((0..4_usize, prop::option::of(-2..3_i8)), 0..40),
            count in 1..4_usize,
            lowest in any::<bool>(),
        ) {
            let rows: Vec<(&str, Option<f32>)> =
                rows.iter().map(|(group, reward)| (["a", "b", "c", "d"][*group], reward.map(f32::from))).collect();
            let order = if lowest { "lowest" } else { "highest" };
            let (kept, _) = kept(&format!("{{count: {count}, order: {order}}}"), &rows);
            for group in ["a", "b", "c", "d"] {
                let (inside, outside): (Vec<usize>, Vec<usize>) =
                    (0..rows.len()).filter(|row| rows[*row].0 == group).partition(|row| kept.contains(row));
                let scored = outside.iter().filter(|row| rows[**row].1.is_some());
                prop_assert!(inside.len() <= count);
                prop_assert!(inside.iter().all(|row| rows[*row].1.is_some()));
                prop_assert!(inside.len() == count || scored.clone().count() == 0);
                for (left_out, best) in scored.flat_map(|out| inside.iter().map(move |best| (*out, *best))) {
                    let (out_value, best_value) = (rows[left_out].1.unwrap(), rows[best].1.unwrap());
                    let worse = if lowest { out_value > best_value } else { out_value < best_value };
                    prop_assert!(worse || out_value == best_value && left_out > best);
                }
            }
        }
    }
}
