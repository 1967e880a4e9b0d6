//! One criterion of one attempt. Not concerned with who judged it, or where it stands.

use std::borrow::Cow;

/// What is asked, what it counts, and whether it was met.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Criterion<'a> {
    pub(crate) id: Option<Cow<'a, str>>,
    /// What is asked, in words.
    pub(crate) text: Option<Cow<'a, str>>,
    /// As written. `None`: nobody said.
    pub(crate) weight: Option<f32>,
    /// From 0 to 1. `None`: unclear, nobody could tell.
    pub(crate) satisfied: Option<f32>,
}

impl Criterion<'_> {
    /// What it counts: 1 if nobody said, 0 if less than that was said (`rar_implicit.py` of HeRL).
    pub(crate) fn counts(&self) -> f64 {
        f64::from(self.weight.unwrap_or(1.0)).max(0.0)
    }

    /// Whether it is met in full.
    pub(crate) fn is_met(&self) -> bool {
        self.satisfied.is_some_and(|satisfied| satisfied >= 1.0)
    }

    /// What it asks, else what it is called.
    pub(crate) fn words(&self) -> &str {
        self.text.as_deref().or(self.id.as_deref()).unwrap_or_default()
    }

    /// What of it cannot be, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if self.words().trim().is_empty() {
            return Some("has neither `text` nor `id`".to_owned());
        }
        if let Some(weight) = self.weight.filter(|weight| !weight.is_finite()) {
            return Some(format!("has the weight {weight}, expected a finite number"));
        }
        let satisfied = self.satisfied.filter(|satisfied| !(0.0..=1.0).contains(satisfied))?;
        Some(format!("is satisfied to {satisfied}, expected a number from 0 to 1, or null where it is unclear"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(weight: Option<f32>, satisfied: Option<f32>) -> Criterion<'static> {
        Criterion { id: Some("a".into()), text: None, weight, satisfied }
    }

    #[test]
    fn what_was_not_said_counts_one_and_less_than_nothing_counts_nothing() {
        let counted = [None, Some(2.5), Some(0.0), Some(-3.0)].map(|weight| of(weight, None).counts());
        assert_eq!(counted, [1.0, 2.5, 0.0, 0.0]);
    }

    #[test]
    fn faults_say_what_was_expected() {
        let fault = |criterion: Criterion<'_>| criterion.fault().unwrap_or_default();
        let told = [
            fault(Criterion { text: Some(" ".into()), ..Criterion::default() }),
            fault(of(Some(f32::NAN), None)),
            fault(of(None, Some(3.0))),
            fault(of(None, Some(f32::NAN))),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        has neither `text` nor `id`
        has the weight NaN, expected a finite number
        is satisfied to 3, expected a number from 0 to 1, or null where it is unclear
        is satisfied to NaN, expected a number from 0 to 1, or null where it is unclear
        ");
        assert!(of(None, None).fault().is_none() && of(Some(-1.0), Some(1.0)).fault().is_none());
    }
}
