//! Figures: what a stage counts, as people and conditions read it by name.

use crate::metrics::Metrics;

/// A figure of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is called: `success`.
    pub name: &'static str,
    /// What it says, with its unit: `share of judged trajectories that succeeded`.
    pub meaning: &'static str,
    /// How it follows from what is counted.
    pub measure: Measure,
}

/// How a figure follows from metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A count.
    Count(&'static str),
    /// The mean of a distribution.
    Mean(&'static str),
    /// One count as a share of another.
    Share(&'static str, &'static str),
}

impl Figure {
    /// Its value; `None` if nothing was counted that would tell.
    pub fn value(&self, metrics: &Metrics) -> Option<f64> {
        let counted = |name: &str| metrics.iter().any(|(known, _)| known == name).then(|| metrics.counted(name) as f64);
        match self.measure {
            Measure::Count(name) => counted(name),
            Measure::Mean(name) => metrics.distribution(name).map(|distribution| distribution.mean),
            Measure::Share(of, all) => {
                let all = counted(all).filter(|all| *all > 0.0)?;
                Some(counted(of).unwrap_or(0.0) / all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_not_known() {
        let mut metrics = Metrics::default();
        let figure = |measure| Figure { name: "x", meaning: "", measure };
        let share = figure(Measure::Share("successes", "judged"));
        assert_eq!(
            [share, figure(Measure::Count("judged")), figure(Measure::Mean("reward"))].map(|one| one.value(&metrics)),
            [None; 3]
        );
        metrics.count("judged", 4);
        assert_eq!(share.value(&metrics), Some(0.0));
        metrics.count("successes", 3);
        metrics.observe("reward", 0.5);
        assert_eq!((share.value(&metrics), figure(Measure::Mean("reward")).value(&metrics)), (Some(0.75), Some(0.5)));
    }
}
