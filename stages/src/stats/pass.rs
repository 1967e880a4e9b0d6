//! pass^k: how often an agent can be relied on.

use std::collections::BTreeMap;

/// Attempts at each task that were judged, and how many of them succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attempts(BTreeMap<String, (u64, u64)>);

impl Attempts {
    /// Adds an attempt at a task.
    pub(super) fn add(&mut self, task: &str, success: bool) {
        let (trials, successes) = match self.0.get_mut(task) {
            Some(known) => known,
            None => self.0.entry(task.to_owned()).or_default(),
        };
        *trials += 1;
        *successes += u64::from(success);
    }

    /// Bytes that they take, about.
    pub(super) fn held(&self) -> u64 {
        128 * self.0.len() as u64
    }

    /// The chance that k attempts at a task all succeed: the mean over the tasks of C(c, k) / C(n, k), for c successes in n
    /// attempts (Yao et al. 2024, "τ-bench", 3.2). `None` if a task was attempted fewer than k times: the mean over the
    /// others would be of other tasks than that of a smaller k.
    pub(super) fn pass(&self, k: u64) -> Option<f64> {
        if self.0.is_empty() || self.0.values().any(|(trials, _)| *trials < k) {
            return None;
        }
        let of_task = |(trials, successes): &(u64, u64)| -> f64 {
            (0..k).map(|i| successes.saturating_sub(i) as f64 / (trials - i) as f64).product()
        };
        Some(self.0.values().map(of_task).sum::<f64>() / self.0.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(of_tasks: &[(u64, u64)]) -> Attempts {
        let mut attempts = Attempts::default();
        for (task, (trials, successes)) in of_tasks.iter().enumerate() {
            (0..*trials).for_each(|trial| attempts.add(&task.to_string(), trial < *successes));
        }
        attempts
    }

    #[test]
    fn chances_are_those_of_combinations() {
        // Worked by hand: C(3, 2) / C(4, 2) = 3 / 6, C(4, 2) / C(4, 2) = 1, C(1, 2) = 0.
        let attempts = attempts(&[(4, 3), (4, 4), (4, 1)]);
        assert_eq!(attempts.pass(1), Some((0.75 + 1.0 + 0.25) / 3.0));
        assert_eq!(attempts.pass(2), Some(0.5));
        assert_eq!(attempts.pass(4), Some(1.0 / 3.0));
        assert_eq!(attempts.pass(5), None);
    }

    #[test]
    fn without_attempts_nothing_is_known() {
        assert_eq!(Attempts::default().pass(1), None);
        assert_eq!(attempts(&[(2, 2), (1, 1)]).pass(2), None);
    }
}
