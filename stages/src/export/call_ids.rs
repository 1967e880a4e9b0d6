//! The ids of calls as they were recorded, which an import keeps in `extra`: they tell which result belongs to which
//! call where results came in another order than the calls. Not concerned with texts.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

/// The ids that `extra` holds; none of what it does not.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RecordedIds<'a> {
    #[serde(default, borrow)]
    turns: Turns<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Turns<'a> {
    #[serde(default, borrow)]
    calls: Vec<Option<Vec<Call<'a>>>>,
    #[serde(default, borrow)]
    observed: Vec<Option<Vec<Message<'a>>>>,
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    tool_call_id: Option<Cow<'a, str>>,
}

impl<'a> RecordedIds<'a> {
    /// Reads the column `extra`, whoever wrote it.
    pub(super) fn of(extra: &'a str) -> Self {
        serde_json::from_str(extra).unwrap_or_default()
    }

    /// The ids of a turn's calls, if each of so many has one of its own.
    pub(super) fn calls(&self, turn: usize, count: usize) -> Option<Vec<String>> {
        let calls = self.turns.calls.get(turn)?.as_ref().filter(|calls| calls.len() == count)?;
        let ids: Vec<String> = calls.iter().filter_map(|call| Some(call.id.as_deref()?.to_owned())).collect();
        let distinct: HashSet<&String> = ids.iter().collect();
        (distinct.len() == count).then_some(ids)
    }

    /// For each of so many messages that a turn was shown, the call that it answers; empty if that is not known.
    pub(super) fn answered(&self, turn: usize, count: usize) -> Vec<Option<&str>> {
        let messages = self.turns.observed.get(turn).and_then(Option::as_ref).filter(|shown| shown.len() == count);
        messages.into_iter().flatten().map(|message| message.tool_call_id.as_deref()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_where_each_call_has_its_own() {
        let extra = r#"{"trial": 0, "turns": {
            "calls": [null, [{"id": "b"}, {"id": "a"}], [{"id": "a"}, {"id": "a"}], [{}]],
            "observed": [null, null, [{"role": "tool", "tool_call_id": "a"}, {"role": "user"}]]}}"#;
        let ids = RecordedIds::of(extra);
        assert_eq!(ids.calls(1, 2), Some(vec!["b".to_owned(), "a".to_owned()]));
        for (turn, count) in [(0, 1), (1, 1), (2, 2), (3, 1), (9, 1)] {
            assert_eq!(ids.calls(turn, count), None, "turn {turn}");
        }
        assert_eq!(ids.answered(2, 2), [Some("a"), None]);
        assert!(ids.answered(2, 1).is_empty() && ids.answered(0, 1).is_empty());
    }

    #[test]
    fn anything_else_in_extra_holds_no_ids() {
        for extra in ["", "[]", "{}", r#"{"turns": 7}"#, r#"{"turns": {"calls": [[{"id": 5}]]}}"#] {
            assert_eq!(RecordedIds::of(extra).calls(0, 1), None, "{extra}");
        }
    }
}
