//! What is counted over the trajectories of one row of the table.

use std::collections::HashSet;

use super::pass::Attempts;

/// Counts over some trajectories.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) trajectories: u64,
    pub(super) turns: u64,
    /// Groups, by hashes of their names.
    groups: HashSet<u64>,
    pub(super) rewards: Moments,
    pub(super) judged: u64,
    pub(super) successes: u64,
    pub(super) attempts: Attempts,
}

/// What is known of a trajectory.
pub(super) struct Seen<'a> {
    pub(super) group: &'a str,
    /// The task; the group, if it has none.
    pub(super) task: &'a str,
    pub(super) turns: u64,
    pub(super) reward: Option<f32>,
    pub(super) success: Option<bool>,
}

impl Tally {
    pub(super) fn add(&mut self, seen: &Seen<'_>) {
        self.trajectories += 1;
        self.turns += seen.turns;
        let digest = blake3::hash(seen.group.as_bytes());
        self.groups.insert(u64::from_le_bytes(digest.as_bytes().first_chunk().copied().unwrap_or_default()));
        if let Some(reward) = seen.reward {
            self.rewards.add(f64::from(reward));
        }
        if let Some(success) = seen.success {
            self.judged += 1;
            self.successes += u64::from(success);
            self.attempts.add(seen.task, success);
        }
    }

    /// Bytes that it takes, about.
    pub(super) fn held(&self) -> u64 {
        512 + 16 * self.groups() + self.attempts.held()
    }

    pub(super) fn groups(&self) -> u64 {
        self.groups.len() as u64
    }
}

/// Count, mean and spread of numbers, by the recurrence of Welford (1962).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub(super) count: u64,
    mean: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        (self.low, self.high) = match self.count {
            0 => (value, value),
            _ => (self.low.min(value), self.high.max(value)),
        };
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Of a sample: divided by one less than there are.
    pub(super) fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }

    pub(super) fn range(&self) -> Option<(f64, f64)> {
        (self.count > 0).then_some((self.low, self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_a_sample() {
        let mut moments = Moments::default();
        assert_eq!((moments.mean(), moments.deviation(), moments.range()), (None, None, None));
        [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().for_each(|value| moments.add(value));
        assert_eq!((moments.mean(), moments.range()), (Some(5.0), Some((2.0, 9.0))));
        // The sum of squared deviations is 32, by hand.
        assert!((moments.deviation().unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    }
}
