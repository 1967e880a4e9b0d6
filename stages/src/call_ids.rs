//! The ids of calls as they were recorded, which an import keeps in `extra`: they tell which result belongs to which
//! call where results came in another order than the calls. Not concerned with texts.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

/// The ids that `extra` holds; none of what it does not.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RecordedIds<'a> {
    #[serde(default, borrow)]
    turns: Turns<'a>,
    /// What was shown after the last turn.
    #[serde(default, borrow)]
    final_observed: Option<Vec<Message<'a>>>,
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
    pub(crate) fn of(extra: &'a str) -> Self {
        serde_json::from_str(extra).unwrap_or_default()
    }

    /// The ids of a turn's calls, if each of so many has one of its own.
    pub(crate) fn calls(&self, turn: usize, count: usize) -> Option<Vec<String>> {
        let calls = self.turns.calls.get(turn)?.as_ref().filter(|calls| calls.len() == count)?;
        let ids: Vec<String> = calls.iter().filter_map(|call| Some(call.id.as_deref()?.to_owned())).collect();
        let distinct: HashSet<&String> = ids.iter().collect();
        (distinct.len() == count).then_some(ids)
    }

    /// For each of a turn's calls, which of the results that came next is its own. `None` if the ids do not tell: then
    /// results stand in the order of their calls.
    pub(crate) fn results(&self, turn: usize, count: usize) -> Option<Vec<usize>> {
        let next = match self.turns.observed.get(turn + 1) {
            Some(shown) => shown.as_ref(),
            None => self.final_observed.as_ref(),
        };
        let answered: Vec<&str> = next?.iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
        if answered.len() != count {
            return None;
        }
        let ids = self.calls(turn, count)?;
        ids.iter().map(|id| answered.iter().position(|answered| answered == id)).collect()
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
    }

    #[test]
    fn results_find_their_calls() {
        let of = |observed: &str, last: &str| {
            let extra = format!(
                r#"{{"turns": {{"calls": [[{{"id": "a"}}, {{"id": "b"}}]], "observed": [{observed}]}}, "final_observed": {last}}}"#
            );
            RecordedIds::of(&extra).results(0, 2)
        };
        let swapped = r#"[{"tool_call_id": "b"}, {"role": "user"}, {"tool_call_id": "a"}]"#;
        assert_eq!(of(&format!("null, {swapped}"), "null"), Some(vec![1, 0]));
        assert_eq!(of("null", swapped), Some(vec![1, 0]));
        let others = r#"[{"tool_call_id": "b"}, {"tool_call_id": "c"}]"#;
        for unknown in [others, r#"[{"tool_call_id": "a"}]"#, "null"] {
            assert_eq!(of("null", unknown), None, "{unknown}");
        }
    }

    #[test]
    fn anything_else_in_extra_holds_no_ids() {
        for extra in ["", "[]", "{}", r#"{"turns": 7}"#, r#"{"turns": {"calls": [[{"id": 5}]]}}"#] {
            assert_eq!(RecordedIds::of(extra).calls(0, 1), None, "{extra}");
        }
    }
}
