//! What a plugin's stage counts: figures of the host, and those that the plugin measures, which are few and never the
//! host's own.

use std::collections::BTreeSet;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray};
use arrow::datatypes::{DataType, Float32Type};
use sternlight_engine::contract::AddedColumn;
use sternlight_engine::metrics::Metrics;
use sternlight_engine::trajectory::Relabelled;

/// Names of figures that a plugin may have in a shard. Each is kept with every part, and shown.
const NAMES: usize = 64;

const SCORED: &str = "scored";
const UNSCORED: &str = "unscored";
// As the stage `filter` calls them.
const KEPT: &str = "rows_kept";
const DROPPED: &str = "rows_dropped";
const COPIES: &str = "copies";
const COPIED: &str = "copied trajectories";
const NOT_COPIED: &str = "trajectories without a copy";
const CONFIDENCE: &str = "relabel_confidence";
const ADVANTAGE: &str = "advantage";

/// What the host measures, beside the columns that a plugin adds.
const HOST: [&str; 9] = [SCORED, UNSCORED, KEPT, DROPPED, COPIES, COPIED, NOT_COPIED, CONFIDENCE, ADVANTAGE];

/// The figures that a plugin measured in a shard so far.
#[derive(Default)]
pub(crate) struct Figures {
    names: BTreeSet<String>,
}

impl Figures {
    /// Adds what a plugin measured in a call, and says what was left out: what `is_own` of the host's too.
    pub(crate) fn pass_on(
        &mut self,
        measured: &[(String, f64)],
        is_own: &dyn Fn(&str) -> bool,
        metrics: &mut Metrics,
    ) -> BTreeSet<String> {
        let mut refused = BTreeSet::new();
        for (name, value) in measured {
            if !self.names.contains(name) {
                if is_own(name) {
                    refused.insert(format!("the figure `{name}` is left out, as sternlight measures that itself"));
                    continue;
                }
                if self.names.len() == NAMES {
                    refused.insert(format!("it measures more than {NAMES} figures, and the others are left out"));
                    continue;
                }
                self.names.insert(name.clone());
            }
            metrics.observe(name.as_str(), *value);
        }
        refused
    }
}

/// Whether the host measures this of stages that are plugins.
pub(crate) fn is_of_stages(name: &str, adds: &[AddedColumn]) -> bool {
    HOST.contains(&name) || adds.iter().any(|column| column.path.as_str() == name)
}

/// How many rows stay.
pub(crate) fn measure_kept(keep: &BooleanArray, metrics: &mut Metrics) {
    let kept = keep.true_count() as u64;
    metrics.count(KEPT, kept);
    metrics.count(DROPPED, keep.len() as u64 - kept);
}

/// How much came of relabelling.
pub(crate) fn measure_copies(copies: &[Relabelled], rows: usize, metrics: &mut Metrics) {
    let copied = copies.chunk_by(|left, right| left.row == right.row).count();
    metrics.count(COPIES, copies.len() as u64);
    metrics.count(COPIED, copied as u64);
    metrics.count(NOT_COPIED, (rows - copied) as u64);
    for confidence in copies.iter().filter_map(|copy| copy.confidence) {
        metrics.observe(CONFIDENCE, f64::from(confidence));
    }
}

/// The figures that people look for whoever computed the column.
pub(crate) fn measure(arrays: &[ArrayRef], adds: &[AddedColumn], metrics: &mut Metrics) {
    for (array, column) in arrays.iter().zip(adds) {
        if *array.data_type() != DataType::Float32 {
            continue;
        }
        let numbers = array.as_primitive::<Float32Type>();
        let name = match column.path.as_str() {
            "turns.advantage" => ADVANTAGE,
            path => path,
        };
        metrics.observe_all(name, numbers.iter().flatten().map(f64::from));
        if column.path.as_str() == "reward" {
            metrics.count(SCORED, (numbers.len() - numbers.null_count()) as u64);
            metrics.count(UNSCORED, numbers.null_count() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_first_are_kept() {
        let (mut figures, mut metrics) = (Figures::default(), Metrics::default());
        let measured: Vec<_> = (0..2 * NAMES).map(|name| (format!("{name:03}"), 1.0)).collect();
        for _ in 0..2 {
            let refused = figures.pass_on(&measured, &|_| false, &mut metrics);
            let others = "it measures more than 64 figures, and the others are left out";
            assert_eq!(Vec::from_iter(refused), [others]);
        }
        assert_eq!(metrics.iter().count(), NAMES);
        assert_eq!(metrics.distribution("063").unwrap().count, 2);
    }

    #[test]
    fn what_the_host_measures_is_its_own() {
        let mut metrics = Metrics::default();
        metrics.count(SCORED, 7);
        let adds = [AddedColumn::new("reward", DataType::Float32)];
        let measured = [(SCORED, 0.0), ("reward", 9.0), ("mine", 1.0)].map(|(name, value)| (name.to_owned(), value));
        let refused = Figures::default().pass_on(&measured, &|name| is_of_stages(name, &adds), &mut metrics);
        insta::assert_snapshot!(Vec::from_iter(refused).join("\n"), @"
        the figure `reward` is left out, as sternlight measures that itself
        the figure `scored` is left out, as sternlight measures that itself
        ");
        assert_eq!(metrics.counted(SCORED), 7);
        assert!(metrics.distribution("reward").is_none() && metrics.distribution("mine").is_some());
    }
}
