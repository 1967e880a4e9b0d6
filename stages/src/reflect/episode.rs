//! One trajectory as the calls that rules judge: what was done, and what the environment answered to it. Turns with
//! several calls are taken apart where the record kept their results apart. Not concerned with verdicts.

use std::cell::{LazyCell, OnceCell};
use std::ops::Range;

use arrow::array::{Array as _, BooleanArray, StringArray};
use serde_json::value::RawValue;
use sternlight_engine::stage::StageError;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::arguments::Arguments;
use super::finding::head;
use super::reading::{Answer, Reading, read};
use super::rule_set::RuleSet;
use super::tool_list::ToolList;
use crate::recorded::Recorded;

/// The columns that rules read; those that are `None` are not in the input.
pub(super) struct Columns<'a> {
    observation: &'a StringArray,
    action: &'a StringArray,
    tool_name: Option<&'a StringArray>,
    tool_arguments: Option<&'a StringArray>,
    tool_error: Option<&'a BooleanArray>,
    tool_answered: Option<&'a BooleanArray>,
    final_observation: Option<&'a StringArray>,
    tools: Option<&'a StringArray>,
    extra: Option<&'a StringArray>,
}

impl<'a> Columns<'a> {
    /// The columns of a batch.
    pub(super) fn of(batch: &'a TrajectoryBatch) -> Result<Self, StageError> {
        let optional = |path: &str| batch.column(path).map(|_| batch.text(path)).transpose();
        let marks = |path: &str| batch.column(path).map(|_| batch.boolean(path)).transpose();
        Ok(Self {
            observation: batch.text("turns.observation")?,
            action: batch.text("turns.action")?,
            tool_name: optional("turns.tool_name")?,
            tool_arguments: optional("turns.tool_arguments")?,
            tool_error: marks("turns.tool_error")?,
            tool_answered: marks("turns.tool_answered")?,
            final_observation: optional("final_observation")?,
            tools: optional("tools")?,
            extra: optional("extra")?,
        })
    }
}

fn mark(column: Option<&BooleanArray>, index: usize) -> Option<bool> {
    column.filter(|column| column.is_valid(index)).map(|column| column.value(index))
}

fn text(column: Option<&StringArray>, index: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(index)).map(|column| column.value(index))
}

/// A call, or a turn without one.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The turn, from 0.
    pub(super) turn: usize,
    /// The tool; several joined by `,` where their results could not be told apart.
    pub(super) name: Option<&'a str>,
    pub(super) arguments: Arguments<'a>,
    /// The whole action of the turn.
    pub(super) action: &'a str,
    /// What the agent saw before.
    pub(super) observation: &'a str,
    /// What it saw after; `None` if that is not known, or is nobody's answer to the call.
    pub(super) next: Option<&'a str>,
    /// What the environment answered: `next` without prefix and surrounding white space.
    pub(super) result: &'a str,
    /// Whether the turn is a call, not a reply to a person.
    pub(super) calls: bool,
    /// Whether the record marks the result as an error.
    pub(super) marked_error: bool,
    /// Whether the result is that of several calls, and nobody knows whose is whose.
    pub(super) mixed: bool,
}

impl<'a> Call<'a> {
    /// Whether the environment said anything to judge the turn by.
    pub(super) fn has_evidence(&self) -> bool {
        self.next.is_some()
    }

    /// What the result says of the call.
    pub(super) fn reading(&self, rules: &RuleSet) -> Reading<'a> {
        if self.mixed {
            let error = self.marked_error.then(|| head(self.result, rules.quote_characters));
            return Reading { error, ..Reading::default() };
        }
        let answer = Answer {
            name: self.name,
            arguments: &self.arguments,
            result: self.result,
            marked_error: self.marked_error,
        };
        read(answer, rules)
    }

    /// Whether both do the same, whatever came of it.
    pub(super) fn same_action(&self, other: &Self) -> bool {
        match (self.name, other.name) {
            (Some(mine), Some(theirs)) => mine == theirs && self.arguments.same(&other.arguments),
            (None, None) => self.action.trim() == other.action.trim() && self.observation == other.observation,
            _ => false,
        }
    }

    /// The names of the tools called.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.name.into_iter().flat_map(|names| names.split(','))
    }
}

/// One trajectory.
pub(super) struct Episode<'a> {
    /// Every turn's calls, in order; a turn without a call is one element too.
    pub(super) calls: Vec<Call<'a>>,
    /// Length turns + 1: turn `i` is `calls[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    tools_text: Option<&'a str>,
    tools: OnceCell<Option<ToolList>>,
}

impl<'a> Episode<'a> {
    /// The trajectory of one row, with its turns at this range of the flat columns.
    pub(super) fn of(columns: &Columns<'a>, row: usize, turns: Range<usize>, rules: &RuleSet) -> Self {
        let mut calls = Vec::with_capacity(turns.len());
        let mut starts = vec![0];
        // Read only where a turn has several calls.
        let recorded = LazyCell::new(|| text(columns.extra, row).map(Recorded::of).unwrap_or_default());
        for index in turns.clone() {
            let last = index + 1 == turns.end;
            let next =
                if last { text(columns.final_observation, row) } else { Some(columns.observation.value(index + 1)) };
            // What a person said after a call that got no result does not judge the call.
            let next = next.filter(|_| mark(columns.tool_answered, index) != Some(false));
            let turn = Turn {
                number: index - turns.start,
                last,
                observation: columns.observation.value(index),
                action: columns.action.value(index),
                next,
                marked_error: mark(columns.tool_error, index) == Some(true),
            };
            let order = |count| recorded.results(turn.number, count).unwrap_or_else(|| (0..count).collect());
            turn.calls(text(columns.tool_name, index), text(columns.tool_arguments, index), &order, rules, &mut calls);
            starts.push(calls.len());
        }
        Self { calls, starts, tools_text: text(columns.tools, row), tools: OnceCell::new() }
    }

    /// How many turns there are.
    pub(super) fn turns(&self) -> usize {
        self.starts.len() - 1
    }

    /// Which of the calls are a turn's.
    pub(super) fn calls_of(&self, turn: usize) -> Range<usize> {
        self.starts[turn]..self.starts[turn + 1]
    }

    /// Whether two turns did the same.
    pub(super) fn same_turn(&self, left: usize, right: usize) -> bool {
        let (left, right) = (&self.calls[self.calls_of(left)], &self.calls[self.calls_of(right)]);
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.same_action(right))
    }

    /// The tools that the agent had, if the row says.
    pub(super) fn tools(&self) -> Option<&ToolList> {
        self.tools.get_or_init(|| self.tools_text.and_then(ToolList::parse)).as_ref()
    }
}

/// A turn on its way to calls.
struct Turn<'a> {
    number: usize,
    last: bool,
    observation: &'a str,
    action: &'a str,
    next: Option<&'a str>,
    marked_error: bool,
}

impl<'a> Turn<'a> {
    /// Adds the turn's calls. `order` tells for each of so many calls which of the results is its own.
    fn calls(
        &self,
        names: Option<&'a str>,
        arguments: Option<&'a str>,
        order: &dyn Fn(usize) -> Vec<usize>,
        rules: &RuleSet,
        calls: &mut Vec<Call<'a>>,
    ) {
        let Some(results) = names.zip(self.next).map(|(_, next)| blocks(next)).filter(|results| !results.is_empty())
        else {
            calls.push(self.call(names, arguments, self.next, self.marked_error, rules));
            return;
        };
        let several: Vec<&str> = names.into_iter().flat_map(|names| names.split(',')).collect();
        if several.len() == 1 {
            // Words of others may have come together with the result, which stands in a block of its own.
            let next = if let [result] = results.as_slice() { Some(*result) } else { self.next };
            calls.push(self.call(names, arguments, next, self.marked_error, rules));
            return;
        }
        let arguments_of_each = list(arguments).unwrap_or_default();
        if several.len() == results.len() && several.len() == arguments_of_each.len() {
            let start = calls.len();
            for ((name, arguments), own) in several.into_iter().zip(arguments_of_each).zip(order(results.len())) {
                calls.push(self.call(Some(name), Some(arguments), results.get(own).copied(), false, rules));
            }
            // A mark is the whole turn's: it cannot be laid on one of the calls unless a result speaks for itself.
            if !self.marked_error || calls[start..].iter().any(|call| call.reading(rules).error.is_some()) {
                return;
            }
            calls.truncate(start);
        }
        let call = self.call(names, arguments, self.next, self.marked_error, rules);
        calls.push(Call { mixed: true, ..call });
    }

    fn call(
        &self,
        name: Option<&'a str>,
        arguments: Option<&'a str>,
        next: Option<&'a str>,
        marked_error: bool,
        rules: &RuleSet,
    ) -> Call<'a> {
        let text = next.unwrap_or_default().trim_start();
        // A prefix ends in a blank that trimming may have taken.
        let unprefixed = rules.result_prefixes.iter().find_map(|prefix| {
            text.strip_prefix(prefix.as_str()).or_else(|| (text.trim_end() == prefix.trim_end()).then_some(""))
        });
        let result = unprefixed.unwrap_or(text).trim();
        let calls = name.is_some() || unprefixed.is_some() || rules.every_action_is_a_call;
        // After the last action an empty text is as good as none: that of a run that ended with it.
        let next = next.filter(|_| !(self.last && calls && result.is_empty()));
        Call {
            turn: self.number,
            name,
            arguments: Arguments::new(arguments),
            action: self.action,
            observation: self.observation,
            next,
            result,
            calls,
            marked_error,
            mixed: false,
        }
    }
}

/// The elements of a JSON list, as they are spelled.
fn list(text: Option<&str>) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text?).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The texts of the `<tool_response>` blocks of an observation, in order.
fn blocks(observation: &str) -> Vec<&str> {
    const BEGIN: &str = "<tool_response>\n";
    const END: &str = "\n</tool_response>";
    let mut blocks = Vec::new();
    let mut rest = observation;
    while let Some(begin) = rest.find(BEGIN) {
        let body = &rest[begin + BEGIN.len()..];
        let Some(end) = body.find(END) else { break };
        blocks.push(&body[..end]);
        rest = &body[end + END.len()..];
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_found_among_other_messages() {
        let observation = "<tool_response>\na\n\nb\n</tool_response>\n<tool_response>\n\n</tool_response>\nand then";
        assert_eq!(blocks(observation), ["a\n\nb", ""]);
        assert_eq!(blocks("plain <tool_response>"), [""; 0]);
    }

    #[test]
    fn arguments_of_several_calls_keep_their_spelling() {
        assert_eq!(list(Some(r#"[{"a": 1.0}, "text", {}]"#)), Some(vec![r#"{"a": 1.0}"#, r#""text""#, "{}"]));
        assert_eq!(list(Some("{}")), None);
        assert_eq!(list(None), None);
    }
}
