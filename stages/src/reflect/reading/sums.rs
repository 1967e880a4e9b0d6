//! The sums of a run of tests or checks that a program gives as JSON: `{"passed": 2, "failed": 1}`.

use serde_json::{Map, Value};

/// Whether a JSON text counts what failed beside what did not.
pub(super) fn counts_failures(json: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(json) else { return false };
    let inner = fields.values().filter_map(Value::as_object);
    inner.chain([&fields]).any(counts)
}

fn counts(fields: &Map<String, Value>) -> bool {
    const FAILED: [&str; 8] =
        ["failed", "failures", "failing", "num_failed", "numFailedTests", "tests_failed", "failed_tests", "fail"];
    const PASSED: [&str; 8] =
        ["passed", "passes", "passing", "num_passed", "numPassedTests", "tests_passed", "passed_tests", "pass"];
    let count = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_u64());
    count(&FAILED).is_some_and(|failed| failed > 0) && count(&PASSED).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_beside_what_passed() {
        assert!(counts_failures(r#"{"passed": 2, "failed": 1}"#));
        assert!(counts_failures(r#"{"summary": {"passes": 0, "failures": 3}, "tests": []}"#));
        for other in [r#"{"passed": 2, "failed": 0}"#, r#"{"failed": 3}"#, r#"{"passed": true, "failed": true}"#, "[]"]
        {
            assert!(!counts_failures(other), "{other}");
        }
    }
}
