//! Keeps the groups from which an advantage relative to the group can come: dynamic sampling, as DAPO has it.

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

use crate::row_groups::row_groups;

/// Options of `dynamic-sampling`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DynamicSamplingOptions {
    /// What tells the trajectories of a group apart.
    #[serde(default)]
    pub by: SignalBy,
    /// With `by: reward`, the reward from which on a trajectory has succeeded. Then a group needs both, some that have and
    /// some that have not; without it, two rewards that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// A group with fewer scored trajectories is dropped; at least 2.
    #[serde(default = "two")]
    pub minimum_size: u64,
}

/// One trajectory can be compared with nothing.
const SMALLEST: u64 = 2;

fn two() -> u64 {
    SMALLEST
}

/// What tells the trajectories of a group apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignalBy {
    /// The column `reward`.
    #[default]
    Reward,
    /// The column `success`.
    Success,
}

/// Keeps the groups with a signal.
#[derive(Clone, Debug)]
pub struct DynamicSampling {
    judged: Judged,
    minimum_size: u64,
}

/// How trajectories are judged.
#[derive(Clone, Copy, Debug)]
enum Judged {
    /// By whether they succeeded.
    Success,
    /// By whether their reward is at least so high.
    Threshold(f32),
    /// By whether their rewards differ.
    Reward,
}

/// What a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Kept,
    TooSmall,
    AllSucceeded,
    AllFailed,
    Tied,
}

impl Group {
    const ALL: [Self; 5] = [Self::Kept, Self::TooSmall, Self::AllSucceeded, Self::AllFailed, Self::Tied];

    /// The metric that counts such groups.
    fn metric(self) -> &'static str {
        match self {
            Self::Kept => "groups_kept",
            Self::TooSmall => "groups_too_small",
            Self::AllSucceeded => "groups_all_succeeded",
            Self::AllFailed => "groups_all_failed",
            Self::Tied => "groups_tied",
        }
    }

    /// Whether any can be such.
    fn can_be(self, judged: Judged) -> bool {
        match self {
            Self::Kept | Self::TooSmall => true,
            Self::AllSucceeded | Self::AllFailed => !matches!(judged, Judged::Reward),
            Self::Tied => matches!(judged, Judged::Reward),
        }
    }

    fn of(scores: &[f32], judged: Judged, minimum_size: u64) -> Self {
        let successes = |threshold: f32| scores.iter().filter(|score| **score >= threshold).count();
        match judged {
            _ if (scores.len() as u64) < minimum_size => Self::TooSmall,
            // Compared as they are stored: no rounding makes a signal.
            Judged::Reward => {
                if scores.windows(2).all(|pair| pair.first() == pair.last()) {
                    Self::Tied
                } else {
                    Self::Kept
                }
            }
            Judged::Success | Judged::Threshold(_) => {
                let threshold = if let Judged::Threshold(threshold) = judged { threshold } else { 1.0 };
                match successes(threshold) {
                    0 => Self::AllFailed,
                    all if all == scores.len() => Self::AllSucceeded,
                    _ => Self::Kept,
                }
            }
        }
    }
}

impl BuiltIn for DynamicSampling {
    type Options = DynamicSamplingOptions;

    const NAME: &'static str = "dynamic-sampling";
    const SUMMARY: &'static str = "Keeps the groups whose trajectories did not all end alike";
    const DOCUMENTATION: &'static str = include_str!("dynamic_sampling.md");
    const VERSION: u32 = 1;

    fn build(options: DynamicSamplingOptions, _: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let judged = match (options.by, options.threshold) {
            (SignalBy::Success, None) => Judged::Success,
            (SignalBy::Reward, None) => Judged::Reward,
            (SignalBy::Reward, Some(threshold)) => {
                if !(threshold as f32).is_finite() {
                    let message = format!("`threshold` is {threshold:?}, expected a finite float32");
                    problems.push(Problem::at(["threshold"], message));
                }
                Judged::Threshold(threshold as f32)
            }
            (SignalBy::Success, Some(_)) => {
                let problem = Problem::at(["threshold"], "`threshold` belongs to `by: reward`");
                problems.push(problem.help("remove `threshold`, or write `by: reward`"));
                Judged::Success
            }
        };
        if options.minimum_size < SMALLEST {
            let message = format!("`minimum_size` is {}, expected at least {SMALLEST}", options.minimum_size);
            problems
                .push(Problem::at(["minimum_size"], message).help("a trajectory alone can be compared with nothing"));
        }
        if problems.is_empty() { Ok(Self { judged, minimum_size: options.minimum_size }) } else { Err(problems) }
    }
}

impl DynamicSampling {
    fn column(&self) -> &'static str {
        match self.judged {
            Judged::Success => "success",
            Judged::Threshold(_) | Judged::Reward => "reward",
        }
    }

    /// What each row is judged by; null where it is not scored.
    fn scores(&self, batch: &TrajectoryBatch) -> Result<Vec<Option<f32>>, StageError> {
        Ok(match self.judged {
            Judged::Success => batch.boolean("success")?.iter().map(|success| success.map(f32::from)).collect(),
            Judged::Threshold(_) | Judged::Reward => batch.float("reward")?.iter().collect(),
        })
    }
}

impl Stage for DynamicSampling {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let reads = ["trajectory_id", "group_id", self.column()].map(ColumnPath::from).to_vec();
        Ok(Contract { reads, scope: Scope::Group, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }

    fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let dropped: Vec<(u64, &str)> = [
            (Group::AllSucceeded, "without a failure"),
            (Group::AllFailed, "without a success"),
            (Group::Tied, "of equal rewards"),
            (Group::TooSmall, "too small"),
        ]
        .into_iter()
        .map(|(group, words)| (metrics.counted(group.metric()), words))
        .filter(|(count, _)| *count > 0)
        .collect();
        if dropped.is_empty() || metrics.counted(Group::Kept.metric()) > 0 {
            return Vec::new();
        }
        let all: u64 = dropped.iter().map(|(count, _)| count).sum();
        let kinds: Vec<String> = dropped.iter().map(|(count, words)| format!("{count} {words}")).collect();
        let all = if all == 1 { "the only group was".to_owned() } else { format!("all {all} groups were") };
        vec![format!("{all} dropped: {}", kinds.join(", "))]
    }
}

impl DynamicSampling {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        let scores = self.scores(batch)?;
        let mut keep = vec![false; batch.rows()];
        let mut found = Vec::new();
        for rows in row_groups(batch)? {
            let scored: Vec<f32> = rows.iter().filter_map(|row| scores.get(*row).copied().flatten()).collect();
            let group = Group::of(&scored, self.judged, self.minimum_size);
            found.push(group);
            if group == Group::Kept {
                for row in rows {
                    if let Some(keep) = keep.get_mut(row) {
                        *keep = true;
                    }
                }
            }
        }
        for group in Group::ALL.into_iter().filter(|group| group.can_be(self.judged)) {
            context.metrics.count(group.metric(), found.iter().filter(|found| **found == group).count() as u64);
        }
        let keep = BooleanArray::from(keep);
        let (kept, unscored) = (keep.true_count() as u64, scores.iter().filter(|score| score.is_none()).count() as u64);
        context.metrics.count("rows_kept", kept);
        context.metrics.count("rows_dropped", keep.len() as u64 - kept);
        if unscored > 0 {
            context.metrics.count("rows_unscored", unscored);
        }
        Ok(Output::Keep(keep))
    }
}

impl Transform for DynamicSampling {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow};

    use super::*;

    fn stage(yaml: &str) -> Result<DynamicSampling, Vec<Problem>> {
        DynamicSampling::build(serde_yaml::from_str(yaml).unwrap(), &BuildContext::new(Path::new(""), Path::new("")))
    }

    fn kept(yaml: &str, rows: &[(&str, Option<f32>)]) -> (String, Metrics) {
        let mut builder = TrajectoryBuilder::new();
        for (group, reward) in rows {
            builder.push(&TrajectoryRow {
                group_id: (*group).to_owned(),
                reward: *reward,
                success: reward.map(|reward| reward >= 1.0),
                ..TrajectoryRow::default()
            });
        }
        let mut context = Context::default();
        let output = stage(yaml).unwrap().apply(&builder.finish().unwrap(), &mut context).unwrap();
        let Output::Keep(keep) = output else { panic!("expected a choice of rows") };
        let kept = rows.iter().zip(keep.iter()).filter(|(_, keep)| *keep == Some(true));
        (kept.map(|((group, _), _)| *group).collect(), context.metrics)
    }

    /// `s` succeeds, `f` fails, `p` fails in parts, `m` is mixed, `o` has one score, `u` none.
    const ROWS: [(&str, Option<f32>); 13] = [
        ("s", Some(1.0)),
        ("m", Some(1.0)),
        ("f", Some(0.0)),
        ("p", Some(0.25)),
        ("m", None),
        ("s", Some(1.0)),
        ("f", Some(-0.0)),
        ("o", None),
        ("o", Some(1.0)),
        ("p", Some(0.5)),
        ("m", Some(0.0)),
        ("u", None),
        ("u", None),
    ];

    fn counts(metrics: &Metrics) -> String {
        let counted = metrics.iter().map(|(name, _)| (name, metrics.counted(name))).filter(|(_, count)| *count > 0);
        counted.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn groups_with_a_signal_stay_whole() {
        let (groups, metrics) = kept("{}", &ROWS);
        assert_eq!(groups, "mpmpm");
        insta::assert_snapshot!(counts(&metrics), @"groups_kept 2, groups_tied 2, groups_too_small 2, rows_dropped 8, rows_kept 5, rows_unscored 4");
        let (groups, metrics) = kept("{by: success}", &ROWS);
        assert_eq!(groups, "mmm");
        insta::assert_snapshot!(counts(&metrics), @"groups_all_failed 2, groups_all_succeeded 1, groups_kept 1, groups_too_small 2, rows_dropped 10, rows_kept 3, rows_unscored 4");
        assert_eq!(kept("{by: reward, threshold: 0.5}", &ROWS).0, "mpmpm");
        assert_eq!(kept("{threshold: 0.75}", &ROWS).0, "mmm");
        assert_eq!(kept("{minimum_size: 3}", &ROWS).0, "");
    }

    #[test]
    fn a_stage_that_drops_everything_says_why() {
        let warned =
            |yaml: &str, rows: &[(&str, Option<f32>)]| stage(yaml).unwrap().warnings(&kept(yaml, rows).1).join("\n");
        assert_eq!(warned("{}", &ROWS), "");
        insta::assert_snapshot!(warned("{threshold: 9}", &ROWS), @"all 6 groups were dropped: 4 without a success, 2 too small");
        insta::assert_snapshot!(warned("{}", &ROWS[..1]), @"the only group was dropped: 1 too small");
    }

    #[test]
    fn options_are_strict() {
        let fault = |yaml: &str| {
            let problem = stage(yaml).unwrap_err().remove(0);
            format!("{}: {}", problem.path[0], problem.message)
        };
        insta::assert_snapshot!(fault("{by: success, threshold: 1}"), @"threshold: `threshold` belongs to `by: reward`");
        insta::assert_snapshot!(fault("{threshold: 1e300}"), @"threshold: `threshold` is 1e300, expected a finite float32");
        insta::assert_snapshot!(fault("{minimum_size: 1}"), @"minimum_size: `minimum_size` is 1, expected at least 2");
        assert!(serde_yaml::from_str::<DynamicSamplingOptions>("{min_size: 3}").is_err());
    }

    proptest! {
        /// A group stays if and only if the standard deviation of what it is judged by is above zero.
        #[test]
        fn what_stays_has_a_spread(rewards in prop::collection::vec(prop::option::of(-1..2_i8), 0..7), by_success in any::<bool>()) {
            let rows: Vec<(&str, Option<f32>)> = rewards.iter().map(|reward| ("g", reward.map(f32::from))).collect();
            let judged = |reward: f64| if by_success { f64::from(reward >= 1.0) } else { reward };
            let scores: Vec<f64> = rewards.iter().flatten().map(|reward| judged(f64::from(*reward))).collect();
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            let spread: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
            let yaml = if by_success { "{by: success}" } else { "{}" };
            prop_assert_eq!(kept(yaml, &rows).0.len(), if spread > 1e-9 { rows.len() } else { 0 });
        }
    }
}
