//! Asks the rules about one trajectory, call by call. A verdict depends on what was seen up to the call's own
//! result, never on what came later.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sternlight_engine::problem::nearest;

use super::episode::{Call, Episode};
use super::finding::{Finding, Note, head};
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
                    if !findings.contains(&finding) {
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
        let error = if call.calls { self.error_of(call) } else { None };
        self.rules.order.iter().filter(|rule| call.calls || !rule.needs_call()).find_map(|rule| match rule {
            Rule::UnknownAction => self.unknown_action(call, error.is_some()),
            Rule::MalformedArguments => error.and_then(|_| self.malformed_arguments(call)),
            Rule::PolicyRefusal => self.policy_refusal(call),
            Rule::ToolError => error.map(|text| Finding::new(Rule::ToolError, self.quoted(text, call))),
            Rule::RepeatedCall => self.repeated_call(index),
            Rule::NoChange => self.no_change(call),
            Rule::Loop => self.looping(call),
        })
    }

    /// What of the result says that it is an error, if it is one.
    fn error_of(&self, call: &Call<'a>) -> Option<&'a str> {
        if call.marked_error || self.rules.error.is_match(call.result) {
            return Some(call.result);
        }
        json_error(call.result)
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

    fn unknown_action(&self, call: &Call<'a>, is_error: bool) -> Option<Finding<'a>> {
        let said = self.rules.unknown_action.is_match(call.result);
        let tools = if said || is_error { self.episode.tools() } else { None };
        let missing = tools.and_then(|tools| call.names().find(|name| tools.names().all(|known| known != *name)));
        if !said && missing.is_none() {
            return None;
        }
        let finding = Finding::new(Rule::UnknownAction, missing.map_or_else(|| self.deed(call), |name| name));
        match missing.zip(tools).and_then(|(name, tools)| nearest(name, tools.names())) {
            Some(name) => Some(finding.with(Note::Nearest(name.to_owned()))),
            None => Some(finding),
        }
    }

    fn malformed_arguments(&self, call: &Call<'a>) -> Option<Finding<'a>> {
        let violation = match (call.name, self.episode.tools()) {
            (Some(name), Some(tools)) => {
                call.arguments.json().and_then(|arguments| tools.violation(name, arguments))
            }
            _ => None,
        };
        let named = self.rules.malformed_arguments.is_match(call.result);
        if !named && violation.is_none() {
            return None;
        }
        let finding = Finding::new(Rule::MalformedArguments, self.quoted(call.result, call));
        Some(match violation {
            Some(violation) => finding.with(Note::Schema(violation)),
            None => finding,
        })
    }

    fn policy_refusal(&self, call: &Call<'a>) -> Option<Finding<'a>> {
        let beginning = head(call.result, self.rules.refusal_characters);
        self.rules.refusal.is_match(beginning).then(|| {
            // From the refusal on, if the quote would end before it.
            let quote = self.quoted(call.result, call);
            let refusal = if self.rules.refusal.is_match(quote) { None } else { self.rules.refusal.find(beginning) };
            Finding::new(Rule::PolicyRefusal, refusal.map_or(quote, |text| self.quoted(text, call)))
        })
    }

    fn repeated_call(&self, index: usize) -> Option<Finding<'a>> {
        let call = &self.episode.calls[index];
        let before = self
            .earlier
            .with_same_result(call)
            .find(|before| self.episode.calls[*before].same_action(call))?;
        let between = &self.episode.calls[before + 1..index];
        if between.iter().any(|call| call.names().any(|name| self.writes(name))) {
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
        let next = call.next.filter(|_| !call.calls)?;
        let same = next.split_whitespace().eq(call.observation.split_whitespace());
        (same && is_long(next, self.rules.no_change_characters))
            .then(|| Finding::new(Rule::NoChange, self.quoted(next.trim(), call)))
    }

    fn looping(&self, call: &Call<'a>) -> Option<Finding<'a>> {
        let repeats = self.rules.loop_repeats;
        let period = (1..=self.rules.loop_period).find(|period| {
            // Turn by turn as one block earlier: then all blocks are the same.
            let compared = period * (repeats - 1);
            call.turn + 1 >= period * repeats
                && (0..compared).all(|back| self.episode.same_turn(call.turn - back, call.turn - back - period))
        })?;
        // The action as it is in the row: a turn's calls share it.
        let deed = self.quoted(call.action.trim(), call);
        Some(Finding::new(Rule::Loop, deed).with(Note::Block(period, repeats)))
    }
}

/// Whether a text has so many characters after white space was normalised.
fn is_long(text: &str, characters: usize) -> bool {
    let mut words = text.split_whitespace().map(|word| word.chars().count());
    let first = words.next().unwrap_or(0);
    words.fold(first, |length, word| length + 1 + word) >= characters
}

/// Fields by which tools say that they failed.
#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    success: Option<Value>,
    ok: Option<Value>,
}

/// The error in a result that is a JSON object: a non-null `error` (`false` and an empty text mean none too), or
/// `success` or `ok` that is false.
fn json_error(result: &str) -> Option<&str> {
    if !result.starts_with('{') || !["\"error\"", "\"success\"", "\"ok\""].iter().any(|key| result.contains(key)) {
        return None;
    }
    let outcome: Outcome<'_> = serde_json::from_str(result).ok()?;
    let error = outcome.error.map(RawValue::get).filter(|error| !matches!(*error, "false" | "\"\""));
    if let Some(error) = error {
        return Some(error.trim_matches('"'));
    }
    [outcome.success, outcome.ok].contains(&Some(Value::Bool(false))).then_some(result)
}

/// Earlier calls by tool and result: only among those can a call be repeated.
struct Earlier<'a> {
    latest: HashMap<(Option<&'a str>, &'a str), usize>,
    /// For each call, the one before it with the same tool and result.
    before: Vec<Option<usize>>,
}

impl<'a> Earlier<'a> {
    fn new(calls: usize) -> Self {
        Self { latest: HashMap::with_capacity(calls), before: vec![None; calls] }
    }

    fn remember(&mut self, index: usize, call: &Call<'a>) {
        if call.calls {
            self.before[index] = self.latest.insert((call.name, call.result), index);
        }
    }

    /// From the latest on.
    fn with_same_result(&self, call: &Call<'a>) -> impl Iterator<Item = usize> {
        let latest = self.latest.get(&(call.name, call.result)).copied();
        std::iter::successors(latest, |index| self.before[*index])
    }
}
