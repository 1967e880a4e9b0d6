//! Asks the rules about one trajectory, call by call. A verdict depends on what was seen up to the call's own
//! result, never on what came later.

use std::collections::HashMap;

use sternlight_engine::problem::nearest;

use super::episode::{Call, Episode};
use super::finding::{Finding, Note, head};
use super::reading::Reading;
use super::rule::{Rule, Verdict};
use super::rule_set::RuleSet;

/// What is said about a turn.
#[derive(Debug, PartialEq)]
pub(super) enum Judgement<'a> {
    /// Nothing was seen after it.
    NoEvidence,
    /// No rule objects.
    Progress,
    /// Rules object, to one call or more.
    Hits(Vec<Finding<'a>>),
}

impl Judgement<'_> {
    /// The finding that decides: the first of the worst.
    pub(super) fn worst(&self) -> Option<&Finding<'_>> {
        let Self::Hits(findings) = self else { return None };
        let worst = findings.iter().map(|finding| finding.rule.verdict()).max()?;
        findings.iter().find(|finding| finding.rule.verdict() == worst)
    }

    /// The verdict on the turn: that on its worst call.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::NoEvidence => None,
            Self::Progress => Some(Verdict::Progress),
            Self::Hits(_) => self.worst().map(|finding| finding.rule.verdict()),
        }
    }
}

/// Judges every turn of an episode, in order.
pub(super) fn judge<'a>(rules: &RuleSet, episode: &Episode<'a>, mut emit: impl FnMut(Judgement<'a>)) {
    let mut judge = Judge { rules, episode, earlier: Earlier::new(episode.calls.len()) };
    for turn in 0..episode.turns() {
        let mut judgement = Judgement::NoEvidence;
        for index in episode.calls_of(turn) {
            if !episode.calls[index].has_evidence() {
                continue;
            }
            match (judge.first_hit(index), &mut judgement) {
                (Some(finding), Judgement::Hits(findings)) => {
                    // A loop is the whole turn's: each of its calls would tell it again.
                    if finding.rule != Rule::Loop || findings.iter().all(|known| known.rule != Rule::Loop) {
                        findings.push(finding);
                    }
                }
                (Some(finding), _) => judgement = Judgement::Hits(vec![finding]),
                (None, Judgement::NoEvidence) => judgement = Judgement::Progress,
                (None, _) => {}
            }
            judge.earlier.remember(index, &episode.calls[index]);
        }
        emit(judgement);
    }
}

struct Judge<'a, 'e> {
    rules: &'e RuleSet,
    episode: &'e Episode<'a>,
    earlier: Earlier<'a>,
}

impl<'a> Judge<'a, '_> {
    fn first_hit(&self, index: usize) -> Option<Finding<'a>> {
        let call = &self.episode.calls[index];
        let reading = if call.calls { call.reading(self.rules) } else { Reading::default() };
        self.rules.order.iter().filter(|rule| call.calls || !rule.needs_call()).find_map(|rule| match rule {
            Rule::UnknownAction => self.unknown_action(call, &reading),
            Rule::MalformedArguments => self.malformed_arguments(call, &reading),
            Rule::PolicyRefusal => reading.refused.map(|quote| Finding::new(Rule::PolicyRefusal, quote)),
            Rule::ToolError => reading.error.map(|text| Finding::new(Rule::ToolError, self.quoted(text, call))),
            Rule::RepeatedCall => self.repeated_call(index),
            Rule::NoChange => self.no_change(call),
            Rule::Loop => self.looping(call),
        })
    }

    /// As much of a text as a diagnosis quotes; of the action, if there is no text.
    fn quoted(&self, text: &'a str, call: &Call<'a>) -> &'a str {
        let text = if text.is_empty() { call.action.trim() } else { text };
        head(text, self.rules.quote_characters)
    }

    /// What was done, in a few words: the tool, or else the action.
    fn deed(&self, call: &Call<'a>) -> &'a str {
        self.quoted(call.name.unwrap_or_default(), call)
    }

    fn unknown_action(&self, call: &Call<'a>, reading: &Reading<'a>) -> Option<Finding<'a>> {
        let said = reading.unknown.is_some();
        let failed = reading.error.is_some() && !reading.ran;
        let tools = if said || failed { self.episode.tools() } else { None };
        let missing = tools.and_then(|tools| call.names().find(|name| tools.names().all(|known| known != *name)));
        if !said && missing.is_none() {
            return None;
        }
        let finding = Finding::new(Rule::UnknownAction, missing.unwrap_or_else(|| self.deed(call)));
        match missing.zip(tools).and_then(|(name, tools)| nearest(name, tools.names())) {
            Some(name) => Some(finding.with(Note::Nearest(name.to_owned()))),
            None => Some(finding),
        }
    }

    fn malformed_arguments(&self, call: &Call<'a>, reading: &Reading<'a>) -> Option<Finding<'a>> {
        let error = reading.error?;
        let tools = call.name.filter(|_| !reading.ran).zip(self.episode.tools());
        let violation = tools
            .and_then(|(name, tools)| call.arguments.json().and_then(|arguments| tools.violation(name, arguments)));
        if reading.malformed.is_none() && violation.is_none() {
            return None;
        }
        let finding = Finding::new(Rule::MalformedArguments, self.quoted(reading.malformed.unwrap_or(error), call));
        Some(match violation {
            Some(violation) => finding.with(Note::Schema(violation)),
            None => finding,
        })
    }

    fn repeated_call(&self, index: usize) -> Option<Finding<'a>> {
        let call = &self.episode.calls[index];
        let before = self.earlier.alike(call).find(|before| self.episode.calls[*before].same_action(call))?;
        // The same action with another result shows as well as a call that writes that the state has changed.
        let changes = |other: &Call<'a>| other.names().any(|name| self.writes(name)) || other.same_action(call);
        if self.episode.calls[before + 1..index].iter().any(changes) {
            return None;
        }
        let turn = self.episode.calls[before].turn;
        Some(Finding::new(Rule::RepeatedCall, self.deed(call)).with(Note::Turn(turn)))
    }

    fn writes(&self, name: &str) -> bool {
        let marked = self.rules.writes.get(name).copied();
        marked.or_else(|| self.episode.tools()?.writes(name)).unwrap_or_else(|| {
            self.rules.write_verbs.iter().any(|verb| {
                name.strip_prefix(verb.as_str())
                    // `book_flight` and `bookFlight` are bookings, `bookmarks` are not.
                    .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_lowercase()))
            })
        })
    }

    fn no_change(&self, call: &Call<'a>) -> Option<Finding<'a>> {
        let next = call.next.filter(|_| call.name.is_none())?;
        let same = next.split_whitespace().eq(call.observation.split_whitespace());
        (same && is_long(next, self.rules.no_change_characters))
            .then(|| Finding::new(Rule::NoChange, self.quoted(next.trim(), call)))
    }

    fn looping(&self, call: &Call<'a>) -> Option<Finding<'a>> {
        let repeats = self.rules.loop_repeats;
        // A longer block does not fit as often into the turns so far.
        let longest = self.rules.loop_period.min((call.turn + 1) / repeats);
        let period = (1..=longest).find(|period| {
            // Turn by turn as one block earlier: then all blocks are the same.
            let compared = period * (repeats - 1);
            (0..compared).all(|back| self.episode.same_turn(call.turn - back, call.turn - back - period))
        })?;
        Some(Finding::new(Rule::Loop, self.deed(call)).with(Note::Block(period, repeats)))
    }
}

/// Whether a text has so many characters after white space was normalised.
fn is_long(text: &str, characters: usize) -> bool {
    let mut words = text.split_whitespace().map(|word| word.chars().count());
    let first = words.next().unwrap_or(0);
    words.fold(first, |length, word| length + 1 + word) >= characters
}

/// Earlier calls by tool, result and arguments: only among those can a call be repeated. A search that finds nothing a
/// thousand times with other words each is not compared with all before it.
struct Earlier<'a> {
    latest: HashMap<(Option<&'a str>, &'a str, u64), usize>,
    /// For each call, the one before it that is found in the same place.
    before: Vec<Option<usize>>,
}

impl<'a> Earlier<'a> {
    fn new(calls: usize) -> Self {
        Self { latest: HashMap::with_capacity(calls), before: vec![None; calls] }
    }

    fn key(call: &Call<'a>) -> (Option<&'a str>, &'a str, u64) {
        (call.name, call.result, call.arguments.fingerprint())
    }

    fn remember(&mut self, index: usize, call: &Call<'a>) {
        if call.calls {
            self.before[index] = self.latest.insert(Self::key(call), index);
        }
    }

    /// From the latest on.
    fn alike(&self, call: &Call<'a>) -> impl Iterator<Item = usize> {
        let latest = self.latest.get(&Self::key(call)).copied();
        std::iter::successors(latest, |index| self.before[*index])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

    use super::super::episode::Columns;
    use super::*;

    const TOOLS: &str = r#"[{"name": "look", "parameters": {"properties": {"id": {"type": "string"}}, "required": ["id"]}},
        {"name": "book_flight"}, {"name": "note", "writes": true}]"#;

    /// A turn: what was done, then (outside of it) what came back.
    fn reply(text: &str) -> TurnRow {
        TurnRow { action: text.to_owned(), ..TurnRow::default() }
    }

    fn call(name: &str, arguments: &str) -> TurnRow {
        let name_and_arguments = (Some(name.to_owned()), Some(arguments.to_owned()));
        TurnRow {
            action: format!("<tool_call>\n{name} {arguments}\n</tool_call>"),
            tool_name: name_and_arguments.0,
            tool_arguments: name_and_arguments.1,
            ..TurnRow::default()
        }
    }

    /// A trajectory of turns, each with what came back.
    fn row(steps: &[(TurnRow, &str)]) -> TrajectoryRow {
        let mut observation = "hello".to_owned();
        let mut row = TrajectoryRow { tools: Some(TOOLS.to_owned()), ..TrajectoryRow::default() };
        for (turn, next) in steps {
            row.turns.push(TurnRow { observation, ..turn.clone() });
            observation = (*next).to_owned();
        }
        row.final_observation = Some(observation);
        row
    }

    /// Rule (or `progress`, or `-` for no verdict) and diagnosis of each turn, after asserting that every quote
    /// stands in the row.
    fn judged(row: &TrajectoryRow, rules: &RuleSet) -> Vec<(String, String)> {
        let mut builder = TrajectoryBuilder::new();
        builder.push(row);
        let batch = builder.finish().unwrap();
        let episode = Episode::of(&Columns::of(&batch).unwrap(), 0, batch.turns_of(0), rules);
        let mut verdicts = Vec::new();
        judge(rules, &episode, |judgement| {
            let mut texts = Vec::new();
            if let Judgement::Hits(findings) = &judgement {
                for finding in findings {
                    texts.push(finding.to_string());
                    assert!(!finding.quote.is_empty() && stands_in(finding.quote, row), "{finding:?}");
                    assert!(texts.concat().contains(finding.quote));
                }
            }
            let name = match (judgement.verdict(), judgement.worst()) {
                (None, _) => "-",
                (_, None) => "progress",
                (_, Some(finding)) => finding.rule.as_str(),
            };
            verdicts.push((name.to_owned(), texts.join("\n")));
        });
        verdicts
    }

    fn stands_in(quote: &str, row: &TrajectoryRow) -> bool {
        let turns =
            row.turns.iter().flat_map(|turn| [Some(&turn.observation), Some(&turn.action), turn.tool_name.as_ref()]);
        turns.chain([row.final_observation.as_ref()]).flatten().any(|text| text.contains(quote))
    }

    fn show(row: &TrajectoryRow) -> String {
        let lines = judged(row, &RuleSet::built_in());
        let line =
            |(rule, text): &(String, String)| if text.is_empty() { rule.clone() } else { format!("{rule} | {text}") };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    const PAGE: &str = "a page of the shop with more than forty characters on it";

    #[test]
    fn every_rule_hits_where_it_should() {
        insta::assert_snapshot!(show(&row(&[
            (call("lok", r#"{"id": "1"}"#), "Error: no such function"),
            (call("look", r#"{"id": "1"}"#), "Unknown tool look"),
            (call("look", "{}"), "Error: it went wrong"),
            (call("look", r#"{"id": 3}"#), "Traceback: it went wrong"),
            (call("look", "{'id': 3}"), "Error: look() missing 1 required positional argument: 'id'"),
            (call("look", r#"{"id": "1"}"#), "Sorry, that is against our policy."),
            (call("look", r#"{"id": "1"}"#), "Error: not found"),
            (call("look", r#"{"id": "1"}"#), r#"{"rows": [], "error": "no rows"}"#),
            (call("look", r#"{"id": "1"}"#), r#"{"ok": false, "why": 7}"#),
            (call("look", r#"{"id": "1"}"#), r#"{"error": null, "rows": [1]}"#),
            (call("look", r#"{ "id" : "1" }"#), r#"{"error": null, "rows": [1]}"#),
            (reply("hm"), PAGE),
            (reply("hm again"), PAGE),
        ])), @r#"
        unknown-action | there is no action "lok"; the nearest tool is "look"
        unknown-action | there is no action "look"
        malformed-arguments | malformed arguments: "Error: it went wrong"; argument `id` is required and missing
        malformed-arguments | malformed arguments: "Traceback: it went wrong"; argument `id`: expected string, found number
        malformed-arguments | malformed arguments: "Error: look() missing 1 required positional argument: 'id'"
        policy-refusal | refused: "Sorry, that is against our policy."
        tool-error | error: "Error: not found"
        tool-error | error: "no rows"
        tool-error | error: "{"ok": false, "why": 7}"
        loop | "look" goes round in a loop: the same action 3 times
        repeated-call | "look" again, with the same result as in turn 9
        progress
        no-change | nothing changed; the observation still is "a page of the shop with more than forty characters on it"
        "#);
    }

    #[test]
    fn a_call_that_changes_state_makes_a_second_look_worth_it() {
        for (between, expected) in [
            ("look", "repeated-call"),
            ("book_flight", "progress"),
            ("note", "progress"),
            ("bookmarks", "repeated-call"),
        ] {
            let row = row(&[
                (call("look", r#"{"id": "1"}"#), "[1]"),
                (call(between, r#"{"id": "2"}"#), "fine"),
                (call("look", r#"{"id": "1"}"#), "[1]"),
            ]);
            assert_eq!(judged(&row, &RuleSet::built_in())[2].0, expected, "{between}");
        }
    }

    #[test]
    fn another_result_between_shows_that_the_state_changed() {
        let look = || call("look", r#"{"id": "1"}"#);
        let verdicts = judged(&row(&[(look(), "[1]"), (look(), "[2]"), (look(), "[1]")]), &RuleSet::built_in());
        assert_eq!([&verdicts[1].0, &verdicts[2].0], ["progress", "loop"]);
    }

    #[test]
    fn equal_results_of_different_queries_are_information() {
        let row = row(&[(call("look", r#"{"id": "1"}"#), "[]"), (call("look", r#"{"id": "2"}"#), "[]")]);
        assert_eq!(show(&row), "progress\nprogress");
    }

    /// A period that no trajectory is long enough for is no work, and does not overflow.
    #[test]
    fn only_blocks_that_fit_are_looked_for() {
        let sources = serde_yaml::from_str(&format!("{{loop: {{period: {}}}}}", u64::MAX)).unwrap();
        let rules = RuleSet::load(&sources, std::path::Path::new("")).unwrap().0;
        let row = row(&[(reply("a"), "x"), (reply("b"), "y"), (reply("c"), "z")]);
        assert!(judged(&row, &rules).iter().all(|(rule, _)| rule == "progress"));
    }

    #[test]
    fn loops_are_blocks_of_up_to_three_actions() {
        let step = |name: &str, result| (call(name, r#"{"id": "1"}"#), result);
        let steps = ["1", "2", "3", "4", "5", "6"];
        let two: Vec<_> =
            steps.iter().zip(["look", "note"].iter().cycle()).map(|(result, name)| step(name, *result)).collect();
        insta::assert_snapshot!(show(&row(&two)), @r#"
        progress
        progress
        progress
        progress
        progress
        loop | "note" goes round in a loop: the same 2 actions 3 times
        "#);
        let one: Vec<_> = steps[..3].iter().map(|result| step("look", *result)).collect();
        insta::assert_snapshot!(show(&row(&one)), @r#"
        progress
        progress
        loop | "look" goes round in a loop: the same action 3 times
        "#);
    }

    #[test]
    fn without_an_answer_there_is_no_verdict() {
        assert_eq!(show(&row(&[(reply("hi"), "yes"), (call("look", "{}"), " ")])), "progress\n-");
        assert_eq!(show(&row(&[(reply("hi"), "")])), "progress");
        let mut cut = row(&[(reply("hi"), "")]);
        cut.final_observation = None;
        assert_eq!(show(&cut), "-");
    }

    #[test]
    fn replies_are_not_judged_by_what_people_say() {
        assert_eq!(show(&row(&[(reply("may I?"), "Error: that is forbidden")])), "progress");
        // With the prefix of a text agent's harness it is no person who speaks.
        let text_agent = row(&[(reply("look"), "API output: Error: nothing there")]);
        assert_eq!(show(&text_agent), "tool-error | error: \"Error: nothing there\"");
    }

    #[test]
    fn several_calls_are_judged_each_by_its_own_result() {
        let several = call("look,lok,look", r#"[{"id": "1"}, {}, {"id": "2"}]"#);
        let results = |second: &str| {
            format!(
                "<tool_response>\n[1]\n</tool_response>\n<tool_response>\n{second}\n</tool_response>\n\
                <tool_response>\nError: gone\n</tool_response>\nand a word"
            )
        };
        insta::assert_snapshot!(show(&row(&[(several.clone(), &results("Error: what"))])), @r#"
        unknown-action | there is no action "lok"; the nearest tool is "look"
        error: "Error: gone"
        "#);
        // The record tells by ids that the results came in another order.
        let mut swapped = row(&[(several.clone(), &results("Error: what"))]);
        swapped.extra = Some(
            r#"{"turns": {"calls": [[{"id": "a"}, {"id": "b"}, {"id": "c"}]]}, "final_observed":
            [{"tool_call_id": "b"}, {"tool_call_id": "c"}, {"tool_call_id": "a"}, {"role": "user"}]}"#
                .to_owned(),
        );
        insta::assert_snapshot!(show(&swapped), @r#"
        tool-error | error: "Error: gone"
        error: "Error: what"
        "#);
        // The record lost a result: nobody knows whose the others are.
        assert_eq!(show(&row(&[(several, "<tool_response>\nError: what\n</tool_response>")])), "progress");
    }

    #[test]
    fn a_mark_of_the_record_makes_an_error() {
        let mut marked = call("look", r#"{"id": "1"}"#);
        marked.tool_error = Some(true);
        assert_eq!(show(&row(&[(marked.clone(), "gone")])), "tool-error | error: \"gone\"");
        let together = "<tool_response>\ngone\n</tool_response>\nand a word";
        assert_eq!(show(&row(&[(marked, together)])), "tool-error | error: \"gone\"");
    }

    #[test]
    fn a_late_refusal_is_quoted_from_where_it_begins() {
        let long = format!("{} not allowed here", "x".repeat(300));
        assert_eq!(show(&row(&[(call("book_flight", "{}"), &long)])), "policy-refusal | refused: \"not allowed here\"");
        let later = format!("{} not allowed here", "x".repeat(400));
        assert_eq!(show(&row(&[(call("book_flight", "{}"), &later)])), "progress");
    }

    fn steps() -> impl Strategy<Value = Vec<(TurnRow, &'static str)>> {
        let action = prop_oneof![
            prop::sample::select(vec!["look", "lok", "note", "book_flight"]).prop_flat_map(|name| {
                prop::sample::select(vec!["{}", r#"{"id": "1"}"#, r#"{"id": 1}"#, "{'id': 1}"])
                    .prop_map(move |arguments| call(name, arguments))
            }),
            prop::sample::select(vec!["hi", "click[x]"]).prop_map(reply),
        ];
        let result = prop::sample::select(vec![
            "[]",
            "Error: gone",
            "Unknown tool",
            "not allowed",
            PAGE,
            r#"{"error": "e"}"#,
            "API output: []",
            "",
            "missing required argument",
        ]);
        prop::collection::vec((action, result), 1..14)
    }

    /// Compiled once for all cases.
    static BUILT_IN: LazyLock<RuleSet> = LazyLock::new(RuleSet::built_in);

    proptest! {
        /// `judged` asserts that every hit quotes text that stands in the row.
        #[test]
        fn a_verdict_does_not_depend_on_what_comes_later(steps in steps(), kept in 1_usize..14) {
            let whole = judged(&row(&steps), &BUILT_IN);
            let kept = kept.min(steps.len());
            let cut = judged(&row(&steps[..kept]), &BUILT_IN);
            // After the last action, an empty answer to a call is none.
            let same = if cut.last().is_some_and(|(rule, _)| rule == "-") { kept - 1 } else { kept };
            prop_assert_eq!(&whole[..same], &cut[..same]);
        }
    }
}
