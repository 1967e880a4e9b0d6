//! A reflection that finds calls which are made again: the same tool with the same arguments, earlier in the episode.
//!
//! Such a turn has the verdict `repeated`, and its diagnosis says how often the call was made. Nothing is said of other
//! turns.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sternlight_plugin::{Reflection, Result, Trajectory, reflect};

/// What the pipeline gives in `with`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often a call may be made again before it is said to be repeated.
    pub allowed: usize,
}

/// One reflection a turn.
pub fn judge(trajectory: &Trajectory, config: &Config) -> Result<Vec<Reflection>> {
    let mut made: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    let judged = trajectory.turns().map(|turn| {
        let Some(tool) = turn.tool_name() else { return Reflection::default() };
        let calls = made.entry((tool, turn.tool_arguments())).or_default();
        *calls += 1;
        if *calls <= config.allowed + 1 {
            return Reflection::default();
        }
        let diagnosis = format!("call number {calls} of `{tool}` with these arguments");
        Reflection { verdict: Some("repeated".to_owned()), diagnosis: Some(diagnosis) }
    });
    Ok(judged.collect())
}

reflect!(judge, reads: ["turns.tool_name": "utf8", "turns.tool_arguments": "utf8"]);

#[cfg(test)]
mod tests {
    use sternlight_plugin::testing::{Sample, SampleTurn, run};

    use super::*;

    fn call(tool: &str, arguments: &str) -> SampleTurn {
        SampleTurn::new().with("tool_name", tool).with("tool_arguments", arguments)
    }

    fn verdicts(config: &str) -> Vec<Option<&'static str>> {
        let calls = [call("find", "1"), call("find", "2"), call("find", "1"), SampleTurn::new(), call("find", "1")];
        let episode = calls.into_iter().fold(Sample::new(), Sample::turn);
        run(&plugin(), &[episode], config).unwrap().texts("turns.verdict")
    }

    #[test]
    fn the_same_call_again_is_repeated() {
        assert_eq!(verdicts("{}"), [None, None, Some("repeated"), None, Some("repeated")]);
    }

    #[test]
    fn some_repetition_may_be_allowed() {
        assert_eq!(verdicts(r#"{"allowed": 1}"#), [None, None, None, None, Some("repeated")]);
    }
}
