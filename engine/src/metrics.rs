//! What a stage counts while it works. Kept with its results, so that a cached stage reports the same numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Named measurements of a stage, merged over its parts in order. Those whose names begin with a dot are for its own
/// [`warnings`](crate::stage::Stage::warnings): they are told to nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(BTreeMap<String, Metric>);

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// How often something was seen.
    Count(u64),
    /// Moments of a number seen many times.
    Distribution(Distribution),
}

/// Mean, spread and range, updated one value at a time (Welford 1962), so that the result depends on the order
/// of the values and never on how they were cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Distribution {
    pub count: u64,
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squares: f64,
    pub minimum: f64,
    pub maximum: f64,
}

impl Distribution {
    fn of(value: f64) -> Self {
        Self { count: 1, mean: value, squares: 0.0, minimum: value, maximum: value }
    }

    /// Population standard deviation.
    pub fn standard_deviation(&self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }

    /// Chan et al. 1979.
    fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        let (left, right, all) = (self.count as f64, other.count as f64, count as f64);
        let delta = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * right / all,
            squares: self.squares + other.squares + delta * delta * left * right / all,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }
}

impl Metrics {
    /// Adds to a count.
    pub fn count(&mut self, name: impl AsRef<str>, by: u64) {
        match self.0.get_mut(name.as_ref()) {
            Some(Metric::Count(count)) => *count += by,
            Some(other) => *other = Metric::Count(by),
            None => self.insert(name.as_ref(), Metric::Count(by)),
        }
    }

    /// Adds one value to a distribution. Values that are not finite are left out.
    pub fn observe(&mut self, name: impl AsRef<str>, value: f64) {
        if !value.is_finite() {
            return;
        }
        let one = Distribution::of(value);
        match self.0.get_mut(name.as_ref()) {
            Some(Metric::Distribution(seen)) => *seen = seen.merge(one),
            Some(other) => *other = Metric::Distribution(one),
            None => self.insert(name.as_ref(), Metric::Distribution(one)),
        }
    }

    /// Adds values to a distribution, in their order; as [`Self::observe`] for each, but its name is looked up once.
    pub fn observe_all(&mut self, name: impl AsRef<str>, values: impl IntoIterator<Item = f64>) {
        let mut values = values.into_iter().filter(|value| value.is_finite());
        let Some(first) = values.next() else { return };
        self.observe(name.as_ref(), first);
        if let Some(Metric::Distribution(seen)) = self.0.get_mut(name.as_ref()) {
            *seen = values.fold(*seen, |seen, value| seen.merge(Distribution::of(value)));
        }
    }

    /// Apart, because a name is seen a million times for once that it is new.
    #[cold]
    fn insert(&mut self, name: &str, metric: Metric) {
        self.0.insert(name.to_owned(), metric);
    }

    /// Adds the metrics of the next part.
    pub fn merge(&mut self, next: &Self) {
        for (name, metric) in &next.0 {
            match (self.0.get_mut(name), metric) {
                (Some(Metric::Count(mine)), Metric::Count(theirs)) => *mine += theirs,
                (Some(Metric::Distribution(mine)), Metric::Distribution(theirs)) => *mine = mine.merge(*theirs),
                _ => {
                    self.0.insert(name.clone(), *metric);
                }
            }
        }
    }

    /// A count; 0 if it was never counted.
    pub fn counted(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Metric::Count(count)) => *count,
            _ => 0,
        }
    }

    /// A distribution, if anything was observed.
    pub fn distribution(&self, name: &str) -> Option<Distribution> {
        match self.0.get(name) {
            Some(Metric::Distribution(distribution)) => Some(*distribution),
            _ => None,
        }
    }

    /// Without those that are told to nobody.
    #[must_use]
    pub(crate) fn told(mut self) -> Self {
        self.0.retain(|name, _| !name.starts_with('.'));
        self
    }

    /// All measurements by name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metric)> {
        self.0.iter().map(|(name, metric)| (name.as_str(), metric))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Merging loses some bits to rounding: 1e-9 relative is far above f64's, far below what anyone reads.
        #[test]
        fn parts_merge_to_the_whole(values in proptest::collection::vec(-1e3f64..1e3, 2..60), cut in 1usize..59) {
            let cut = cut.min(values.len() - 1);
            let of = |values: &[f64]| {
                let mut metrics = Metrics::default();
                values.iter().for_each(|value| metrics.observe("x", *value));
                metrics.count("n", values.len() as u64);
                metrics
            };
            let mut merged = of(&values[..cut]);
            merged.merge(&of(&values[cut..]));
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            let found = merged.distribution("x").unwrap();
            proptest::prop_assert_eq!(merged.counted("n"), values.len() as u64);
            proptest::prop_assert!((found.mean - mean).abs() < 1e-9 * 1e3);
            proptest::prop_assert!((found.standard_deviation() - spread).abs() < 1e-9 * 1e3);
            proptest::prop_assert_eq!(found.minimum, values.iter().copied().fold(f64::INFINITY, f64::min));
            proptest::prop_assert_eq!(found.maximum, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
    }

    #[test]
    fn what_is_hidden_is_not_told() {
        let mut metrics = Metrics::default();
        ["seen", ".hidden"].iter().for_each(|name| metrics.count(name, 1));
        assert_eq!(metrics.told().iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["seen"]);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut metrics = Metrics::default();
        [f64::NAN, f64::INFINITY, 2.0].iter().for_each(|value| metrics.observe("x", *value));
        assert_eq!(metrics.distribution("x").map(|found| (found.count, found.mean)), Some((1, 2.0)));
    }
}
