//! What kind of failure an attempt was, how severe, and whether anything can be made of it: the first of AgentHER's four steps
//! (2603.21357), by words. The words are ours.

use regex::Regex;

use super::results::Seen;

/// Kinds of failure, as AgentHER names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureClass {
    ToolError,
    ConstraintViolation,
    Hallucination,
    WrongResult,
    OffTopic,
    Incomplete,
}

impl FailureClass {
    /// Every kind; of those that are as likely, the first is taken.
    pub(super) const ALL: [Self; 6] = [
        Self::ToolError,
        Self::ConstraintViolation,
        Self::Hallucination,
        Self::WrongResult,
        Self::OffTopic,
        Self::Incomplete,
    ];

    /// The name in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ToolError => "tool-error",
            Self::ConstraintViolation => "constraint-violation",
            Self::Hallucination => "hallucination",
            Self::WrongResult => "wrong-result",
            Self::OffTopic => "off-topic",
            Self::Incomplete => "incomplete",
        }
    }

    /// Words of what came back, or of the last action, that tell of it. Errors of tools are told elsewhere.
    fn words(self) -> Option<&'static str> {
        Some(match self {
            Self::ToolError => return None,
            Self::ConstraintViolation => {
                r"(?i)\b(not (allowed|permitted)|against (the |our )?(rules?|policy)|violat(es?|ion)|forbidden|exceeds?|over (the )?(budget|limit))\b"
            }
            Self::Hallucination => {
                r"(?i)\b(no such|(does|do) not exist|there is no|cannot be found|not found|made up)\b"
            }
            Self::WrongResult => {
                r"(?i)\b(wrong|incorrect|mismatch|does not (match|add up)|expected .{1,80} (but|got|found))\b"
            }
            Self::OffTopic => r"(?i)\b(irrelevant|unrelated|off[- ]topic|beside the point)\b",
            Self::Incomplete => {
                r"(?i)\b(incomplete|unfinished|still (missing|open)|not (done|finished|complete)|gave up|give up|unable to)\b"
            }
        })
    }
}

/// What an attempt failed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) class: FailureClass,
    /// From 0 to 1.
    pub(super) severity: f64,
    /// Whether anything can be made of it.
    pub(super) is_recoverable: bool,
}

/// What is known of a failed attempt.
pub(super) struct Evidence<'a> {
    pub(super) results: &'a [Seen<'a>],
    pub(super) last_action: Option<&'a str>,
    pub(super) is_truncated: bool,
}

/// A result that holds something has more characters.
const SHORT: usize = 20;

/// Tells kinds of failure by words.
#[derive(Debug)]
pub(super) struct Classifier(Vec<(FailureClass, Option<Regex>)>);

impl Classifier {
    /// # Errors
    /// Never, for patterns that are tested.
    pub(super) fn new() -> Result<Self, regex::Error> {
        let compiled = FailureClass::ALL.map(|class| Ok((class, class.words().map(Regex::new).transpose()?)));
        compiled.into_iter().collect::<Result<_, _>>().map(Self)
    }

    /// The kind with the most hits; a wrong result if nothing tells of any. s = min(1, 0.3 + 0.1 · hits), as in AgentHER's
    /// rules. Not recoverable: most results are errors, or none has more than 20 characters.
    pub(super) fn classify(&self, evidence: &Evidence<'_>) -> Failure {
        let Evidence { results, last_action, is_truncated } = evidence;
        let errors = results.iter().filter(|seen| seen.is_error).count();
        let hits = |(class, words): &(FailureClass, Option<Regex>)| {
            let texts = results.iter().map(|seen| seen.text).chain(*last_action);
            let told = words.as_ref().map_or(0, |words| texts.filter(|text| words.is_match(text)).count());
            let known = match class {
                FailureClass::ToolError => errors,
                FailureClass::Incomplete => usize::from(*is_truncated),
                _ => 0,
            };
            (*class, told + known)
        };
        let mut worst = (FailureClass::WrongResult, 0);
        for found in self.0.iter().map(hits) {
            if found.1 > worst.1 {
                worst = found;
            }
        }
        let (class, hits) = worst;
        let dominates = class == FailureClass::ToolError && errors * 2 > results.len();
        let says_something = results.iter().any(|seen| seen.text.chars().nth(SHORT).is_some());
        let severity = (0.3 + 0.1 * hits as f64).min(1.0);
        Failure { class, severity, is_recoverable: !dominates && says_something }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str, is_error: bool) -> Seen<'_> {
        Seen { text, is_error }
    }

    fn classify(results: &[Seen<'_>], last_action: Option<&str>, is_truncated: bool) -> Failure {
        Classifier::new().unwrap().classify(&Evidence { results, last_action, is_truncated })
    }

    #[test]
    fn kinds_are_told_by_words() {
        let long = "a result of more than twenty characters";
        let kind = |text: &str| classify(&[seen(long, false), seen(text, false)], None, false).class;
        assert_eq!(kind("That is against the policy."), FailureClass::ConstraintViolation);
        assert_eq!(kind("There is no such booking."), FailureClass::Hallucination);
        assert_eq!(kind("The sum is incorrect."), FailureClass::WrongResult);
        assert_eq!(kind("This is irrelevant here."), FailureClass::OffTopic);
        assert_eq!(kind("Fine."), FailureClass::WrongResult);
        assert_eq!(classify(&[seen(long, false)], Some("I am unable to do it"), false).class, FailureClass::Incomplete);
        assert_eq!(classify(&[seen(long, false)], None, true).class, FailureClass::Incomplete);
        assert_eq!(classify(&[seen(long, false), seen("Error", true)], None, false).class, FailureClass::ToolError);
    }

    #[test]
    fn severity_grows_with_hits_to_one() {
        let results = vec![seen("wrong, by more than twenty characters", false); 9];
        let severity = |count: usize| classify(&results[..count], None, false).severity;
        let close = |severity: f64, expected: f64| (severity - expected).abs() < 1e-12;
        assert!(close(severity(0), 0.3) && close(severity(1), 0.4) && close(severity(9), 1.0));
    }

    #[test]
    fn of_errors_alone_nothing_can_be_made() {
        let long = "a result of more than twenty characters";
        assert!(!classify(&[seen(long, true), seen(long, true), seen(long, false)], None, false).is_recoverable);
        assert!(classify(&[seen(long, true), seen(long, false)], None, false).is_recoverable);
        assert!(!classify(&[seen("exactly twenty chars", false)], None, false).is_recoverable);
        assert!(!classify(&[], None, false).is_recoverable);
    }
}
