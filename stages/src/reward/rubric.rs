//! Rewards by rubrics: the weighted mean of criteria, as recorded or as rules decide them.

use std::path::Path;

use arrow::array::{ArrayRef, Float32Array};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Context, InputFile, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema};

use super::rubric_options::CriteriaSource;
use super::rubric_rules::RubricRules;
use crate::criteria::{CRITERIA, CriteriaBuilder, Criterion, RecordedCriteria, data_type, recorded_in};

/// Metric: trajectories that have no criteria.
const WITHOUT: &str = "without_criteria";
/// Metric: trajectories of whose criteria none was judged.
const UNJUDGED: &str = "unjudged";
/// Metric, for a warning alone: criteria whose weight is below 0.
const NEGATIVE: &str = ".negative weights";

/// Criteria, and what a trajectory is worth by them.
#[derive(Clone, Debug)]
pub(super) struct Rubric {
    /// `None`: as recorded.
    rules: Option<RubricRules>,
    sparse: bool,
    pub(super) files: Vec<InputFile>,
}

/// What a batch is worth, and its criteria where they are new.
pub(super) struct Judged {
    pub(super) rewards: Float32Array,
    pub(super) criteria: Option<ArrayRef>,
}

impl Rubric {
    /// # Errors
    /// Every fault of the criteria, placed below `with`.
    pub(super) fn new(source: Option<CriteriaSource>, sparse: bool, directory: &Path) -> Result<Self, Vec<Problem>> {
        let mut files = Vec::new();
        let rules = match source.unwrap_or_default() {
            CriteriaSource::Recorded => None,
            CriteriaSource::Inline(criteria) => Some(RubricRules::inline(&criteria)?),
            CriteriaSource::File(rubric) => Some(RubricRules::from_file(&rubric.file, directory, &mut files)?),
        };
        Ok(Self { rules, sparse, files })
    }

    /// The columns that it reads.
    ///
    /// # Errors
    /// If no criteria are recorded that could be read.
    pub(super) fn reads(&self, input: &TrajectorySchema) -> Result<Vec<ColumnPath>, Problem> {
        let Some(rules) = &self.rules else {
            let help = "write `criteria: [{id: …, regex: …}]` to decide them by rules, or let a plugin add the column";
            let recorded = recorded_in(input).map_err(|message| Problem::at(["by"], message).help(help))?;
            return Ok(vec![recorded.into()]);
        };
        Ok(rules.reads(input))
    }

    /// The column of criteria, unless it is there and stays.
    pub(super) fn adds(&self, input: &TrajectorySchema) -> Option<AddedColumn> {
        let is_new = self.rules.is_some() || !input.has(CRITERIA);
        is_new.then(|| AddedColumn::new(CRITERIA, data_type()))
    }

    /// Scores a batch. `broke`: whose run broke for reasons outside the policy, and is not judged.
    ///
    /// # Errors
    /// If recorded criteria cannot be read, naming the trajectory.
    pub(super) fn judge(
        &self,
        batch: &TrajectoryBatch,
        broke: impl Fn(usize) -> bool,
        context: &mut Context,
    ) -> Result<Judged, StageError> {
        let mut criteria = match &self.rules {
            Some(rules) => rules.decide(batch)?,
            None => recorded(batch)?,
        };
        let mut rewards = Vec::with_capacity(batch.rows());
        let mut tally = Tally::default();
        for (row, of_row) in criteria.iter_mut().enumerate() {
            if broke(row) {
                rewards.push(None);
                // What rules said of such a run is no more worth than a reward would be.
                if self.rules.is_some() {
                    *of_row = None;
                }
                continue;
            }
            let of_row = of_row.as_deref().unwrap_or_default();
            tally.add(of_row);
            rewards.push(reward(of_row, self.sparse).map(|reward| reward as f32));
        }
        tally.report(&mut context.metrics);
        if let Some(RubricRules::Same(rules)) = &self.rules {
            for (index, rule) in rules.iter().enumerate() {
                let satisfied = criteria.iter().flatten().filter_map(|of_row| of_row.get(index)?.satisfied);
                context.metrics.observe_all(format!("criterion.{}", rule.id), satisfied.map(f64::from));
            }
        }
        let is_new = self.rules.is_some() || batch.column(CRITERIA).is_none();
        let column = is_new.then(|| {
            let mut builder = CriteriaBuilder::default();
            criteria.iter().for_each(|of_row| builder.push(of_row.as_deref()));
            builder.finish()
        });
        Ok(Judged { rewards: rewards.into(), criteria: column.transpose()? })
    }

    /// What looks wrong with the whole of it.
    pub(super) fn warnings(&self, metrics: &Metrics) -> Vec<String> {
        let negative = metrics.counted(NEGATIVE);
        let which = if negative == 1 { "1 criterion has".to_owned() } else { format!("{negative} criteria have") };
        let warning = || format!("{which} a negative weight, which counts nothing here: `by: rules` takes rewards off");
        (negative > 0).then(warning).into_iter().collect()
    }
}

fn recorded(batch: &TrajectoryBatch) -> Result<Vec<Option<Vec<Criterion<'static>>>>, StageError> {
    let recorded = RecordedCriteria::of(batch)?;
    let row = |row: usize| {
        recorded.row(row).map_err(|fault| {
            let error = StageError::new(fault).trajectory(batch.name_of(row));
            error.help("a criterion is `{id, text, weight, satisfied}`; `on_error: quarantine` puts such rows aside")
        })
    };
    (0..batch.rows()).map(row).collect()
}

/// r = Σ w·s / Σ w over the criteria; those that are unclear count as not satisfied (`rar_implicit.py` of HeRL). `sparse`: 1 if
/// all that count are satisfied, else 0. `None`: no criterion counts, or none was judged at all, so that nobody scored the
/// attempt.
fn reward(criteria: &[Criterion<'_>], sparse: bool) -> Option<f64> {
    let counting = || criteria.iter().filter(|criterion| criterion.counts() > 0.0);
    counting().find(|criterion| criterion.satisfied.is_some())?;
    if sparse {
        return Some(f64::from(counting().all(Criterion::is_met)));
    }
    let weights: f64 = counting().map(Criterion::counts).sum();
    let score = |criterion: &Criterion<'_>| criterion.counts() * f64::from(criterion.satisfied.unwrap_or(0.0));
    Some(counting().map(score).sum::<f64>() / weights)
}

/// Counts of a batch.
#[derive(Default)]
struct Tally {
    without: u64,
    unjudged: u64,
    satisfied: u64,
    unmet: u64,
    unclear: u64,
    negative: u64,
}

impl Tally {
    fn add(&mut self, criteria: &[Criterion<'_>]) {
        self.without += u64::from(criteria.is_empty());
        self.unjudged += u64::from(!criteria.is_empty() && criteria.iter().all(|one| one.satisfied.is_none()));
        for criterion in criteria {
            match criterion.satisfied {
                None => self.unclear += 1,
                Some(_) if criterion.is_met() => self.satisfied += 1,
                Some(_) => self.unmet += 1,
            }
            self.negative += u64::from(criterion.weight.is_some_and(|weight| weight < 0.0));
        }
    }

    fn report(&self, metrics: &mut Metrics) {
        metrics.count(WITHOUT, self.without);
        metrics.count(UNJUDGED, self.unjudged);
        metrics.count("criteria.satisfied", self.satisfied);
        metrics.count("criteria.unmet", self.unmet);
        metrics.count("criteria.unclear", self.unclear);
        if self.negative > 0 {
            metrics.count(NEGATIVE, self.negative);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(criteria: &[(Option<f32>, Option<f32>)]) -> Vec<Criterion<'static>> {
        let one = |(weight, satisfied): &(Option<f32>, Option<f32>)| Criterion {
            id: Some("a".into()),
            text: None,
            weight: *weight,
            satisfied: *satisfied,
        };
        criteria.iter().map(one).collect()
    }

    #[test]
    fn golden_values() {
        let worth = |criteria: &[(Option<f32>, Option<f32>)]| {
            let criteria = of(criteria);
            (reward(&criteria, false), reward(&criteria, true))
        };
        let (yes, no, unclear) = (Some(1.0), Some(0.0), None);
        assert_eq!(worth(&[(Some(3.0), yes), (Some(1.0), no)]), (Some(0.75), Some(0.0)));
        assert_eq!(worth(&[(None, yes), (Some(1.0), yes)]), (Some(1.0), Some(1.0)));
        // A negative weight counts 0, also for the sparse form; a half is a half.
        assert_eq!(worth(&[(Some(-5.0), no), (Some(2.0), yes)]), (Some(1.0), Some(1.0)));
        assert_eq!(worth(&[(Some(1.0), Some(0.5)), (Some(1.0), yes)]), (Some(0.75), Some(0.0)));
        // Unclear counts as not satisfied, but what nobody judged has no reward.
        assert_eq!(worth(&[(Some(1.0), unclear), (Some(1.0), yes)]), (Some(0.5), Some(0.0)));
        assert_eq!(worth(&[(Some(1.0), unclear), (Some(1.0), no)]), (Some(0.0), Some(0.0)));
        assert_eq!(worth(&[(Some(1.0), unclear)]), (None, None));
        assert_eq!(worth(&[(Some(0.0), yes), (Some(-1.0), yes)]), (None, None));
        assert_eq!(worth(&[]), (None, None));
    }

    proptest! {
        /// From 0 to 1, the same for any scale of the weights, and never less for one more that is satisfied.
        #[test]
        fn rubrics_give_a_mean(
            criteria in prop::collection::vec(
                (prop::option::of(-1.0_f32..4.0), prop::option::of(prop::sample::select(vec![0.0_f32, 0.5, 1.0]))), 1..8),
            scale in 0.25_f32..4.0,
        ) {
            let scaled: Vec<_> = criteria.iter().map(|(w, s)| (Some(w.unwrap_or(1.0) * scale), *s)).collect();
            let (this, other) = (reward(&of(&criteria), false), reward(&of(&scaled), false));
            prop_assert_eq!(this.is_some(), other.is_some());
            if let Some((this, other)) = this.zip(other) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&this) && (this - other).abs() < 1e-6, "{} {}", this, other);
                let more: Vec<_> = criteria.iter().cloned().chain([(Some(1.0), Some(1.0))]).collect();
                prop_assert!(reward(&of(&more), false).unwrap() >= this - 1e-12);
                let sparse = reward(&of(&criteria), true).unwrap();
                prop_assert!(sparse == 0.0 || (this - 1.0).abs() < 1e-12);
            }
        }
    }
}
