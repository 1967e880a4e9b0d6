//! The rules on results of tool calls that people labelled: `labelled.jsonl`, one a line, made up for this purpose. The
//! forms are real (wrappers, envelopes, tracebacks, the short standing messages of programs), the contents are not;
//! three quarters of the good results hold words like `error` or `failed`, and a fifth of the bad ones none of them.

use serde::Deserialize;
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

use super::episode::{Columns, Episode};
use super::judge::judge;
use super::rule::Verdict;
use super::rule_set::RuleSet;

#[derive(Deserialize)]
struct Labelled {
    id: String,
    tool_name: String,
    tool_arguments: String,
    tool_error: Option<bool>,
    result: String,
    verdict: String,
    #[serde(default)]
    why: String,
    /// Reasonable people may disagree.
    #[serde(default)]
    debatable: bool,
}

impl Labelled {
    /// The verdict of the rules on a turn that ends the trajectory with this result.
    fn judged(&self, rules: &RuleSet) -> Option<Verdict> {
        let turn = TurnRow {
            action: format!("{} {}", self.tool_name, self.tool_arguments),
            tool_name: Some(self.tool_name.clone()),
            tool_arguments: Some(self.tool_arguments.clone()),
            tool_error: self.tool_error,
            ..TurnRow::default()
        };
        let final_observation = Some(self.result.clone());
        let row = TrajectoryRow { turns: vec![turn], final_observation, ..TrajectoryRow::default() };
        let mut builder = TrajectoryBuilder::new();
        builder.push(&row);
        let batch = builder.finish().unwrap();
        let episode = Episode::of(&Columns::of(&batch).unwrap(), 0, batch.turns_of(0), rules);
        let mut verdict = None;
        judge(rules, &episode, |judgement| verdict = judgement.verdict());
        verdict
    }
}

#[test]
fn labelled_results_are_judged_as_they_are_labelled() {
    let rules = RuleSet::built_in();
    let lines = include_str!("labelled.jsonl").lines();
    let labelled = lines.map(|line| serde_json::from_str::<Labelled>(line).unwrap());
    let (mut bad, mut found, mut right, mut accused) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut missed = Vec::new();
    for result in labelled.filter(|result| !result.debatable) {
        let verdict = result.judged(&rules).map_or("progress", Verdict::as_str);
        let (is_bad, is_found) = (result.verdict != "progress", verdict != "progress");
        bad += u32::from(is_bad);
        found += u32::from(is_bad && is_found);
        right += u32::from(is_bad && verdict == result.verdict);
        accused += u32::from(!is_bad && is_found);
        if verdict != result.verdict {
            missed.push(format!("{}: {verdict}, not {} ({})", result.id, result.verdict, result.why));
        }
    }
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    let figures = [share(found, bad), share(found, found + accused), share(right, bad)];
    let enough = figures.iter().zip([0.98, 0.98, 0.97]).all(|(figure, least)| *figure >= least);
    assert!(bad > 100 && enough, "recall, precision, right of the bad: {figures:?}\n{}", missed.join("\n"));
}

/// What the rules were widened with, `families.jsonl`: messages of programs, frameworks and desks in many wordings, and
/// results that hold the same words and worked. Made up as well; every one is judged as it says.
#[test]
fn each_wording_of_a_family_is_judged_alike() {
    let rules = RuleSet::built_in();
    let lines = include_str!("families.jsonl").lines();
    let mut missed = Vec::new();
    for result in lines.map(|line| serde_json::from_str::<Labelled>(line).unwrap()) {
        let verdict = result.judged(&rules).map_or("none", Verdict::as_str);
        if verdict != result.verdict {
            missed.push(format!("{}: {verdict}, not {}: {}", result.id, result.verdict, result.result));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
