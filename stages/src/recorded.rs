//! What an import kept in `extra` about a conversation: whose words an observation is, which call a result belongs to,
//! and the parts of contents. Not concerned with how messages are written, nor with what results say.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What stands around a result among several messages of an observation.
pub(crate) const RESULT_START: &str = "<tool_response>\n";
pub(crate) const RESULT_END: &str = "\n</tool_response>";

/// What lies between the messages of an observation, and between those of a prompt.
const BETWEEN_SHOWN: &str = "\n";
const BETWEEN_SYSTEM: &str = "\n\n";

/// What `extra` holds; nothing of what it does not.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Recorded<'a> {
    #[serde(default, borrow)]
    turns: Turns<'a>,
    #[serde(default, borrow)]
    final_observed: Option<Vec<Message<'a>>>,
    #[serde(default, borrow)]
    prompt_messages: Option<Vec<Message<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
struct Turns<'a> {
    #[serde(default, borrow)]
    calls: Vec<Option<Vec<Call<'a>>>>,
    #[serde(default, borrow)]
    observed: Vec<Option<Vec<Message<'a>>>>,
    #[serde(default, borrow)]
    content: Vec<Option<&'a RawValue>>,
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_call_id: Option<Cow<'a, str>>,
    /// How long its text is, where several texts were joined.
    bytes: Option<usize>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// Who said something to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    User,
    System,
    Developer,
    Tool,
}

/// A message that an agent was shown.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'t, 'r> {
    pub(crate) speaker: Speaker,
    /// What it says.
    pub(crate) text: &'t str,
    /// The same as it stands in the observation: results between tags, where there are several messages.
    pub(crate) spelled: &'t str,
    /// The call that it answers.
    pub(crate) id: Option<&'r str>,
    /// The parts that it came in.
    pub(crate) parts: Option<&'r RawValue>,
}

impl<'a> Recorded<'a> {
    /// Reads the column `extra`, whoever wrote it.
    pub(crate) fn of(extra: &'a str) -> Self {
        serde_json::from_str(extra).unwrap_or_default()
    }

    /// For each of a turn's calls its id; none where that is not known.
    pub(crate) fn calls(&self, turn: usize, count: usize) -> Vec<Option<&str>> {
        let calls = self.turns.calls.get(turn).and_then(Option::as_ref).filter(|calls| calls.len() == count);
        match calls {
            Some(calls) => calls.iter().map(|call| call.id.as_deref()).collect(),
            None => vec![None; count],
        }
    }

    /// For each of a turn's calls, which of the results that came next is its own. `None` if the ids do not tell: then
    /// results stand in the order of their calls.
    pub(crate) fn results(&self, turn: usize, count: usize) -> Option<Vec<usize>> {
        let next = match self.turns.observed.get(turn + 1) {
            Some(shown) => shown.as_ref(),
            None => self.final_observed.as_ref(),
        };
        let answered: Vec<&str> = next?.iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
        let ids = self.calls(turn, count).into_iter().collect::<Option<Vec<_>>>()?;
        let distinct: HashSet<&str> = ids.iter().copied().collect();
        if answered.len() != count || distinct.len() != count {
            return None;
        }
        ids.iter().map(|id| answered.iter().position(|answered| answered == id)).collect()
    }

    /// The parts that the message of a turn came in.
    pub(crate) fn content(&self, turn: usize) -> Option<&'a RawValue> {
        self.turns.content.get(turn).copied().flatten()
    }

    /// The messages that an observation was made of. `None` if they are not known, or do not fit it.
    pub(crate) fn observed<'t>(&self, turn: usize, observation: &'t str) -> Option<Vec<Seen<'t, '_>>> {
        apart(self.turns.observed.get(turn)?.as_ref()?, observation, BETWEEN_SHOWN)
    }

    /// The same for the last observation, behind so many turns. A copy that ends before its original was shown last what
    /// the original was shown next.
    pub(crate) fn last_observed<'t>(&self, turns: usize, observation: &'t str) -> Option<Vec<Seen<'t, '_>>> {
        let Turns { calls, observed, content } = &self.turns;
        match calls.len().max(observed.len()).max(content.len()) > turns {
            true => self.observed(turns, observation),
            false => apart(self.final_observed.as_ref()?, observation, BETWEEN_SHOWN),
        }
    }

    /// The same for the prompt.
    pub(crate) fn prompt<'t>(&self, prompt: &'t str) -> Option<Vec<Seen<'t, '_>>> {
        apart(self.prompt_messages.as_ref()?, prompt, BETWEEN_SYSTEM)
    }
}

/// Takes texts apart that were joined.
fn apart<'t, 'r>(messages: &'r [Message<'_>], joined: &'t str, between: &str) -> Option<Vec<Seen<'t, 'r>>> {
    let are_marked = messages.len() > 1;
    let mut rest = joined;
    let mut seen = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let speaker = match message.role.as_deref()? {
            "user" => Speaker::User,
            "system" => Speaker::System,
            "developer" => Speaker::Developer,
            "tool" | "function" => Speaker::Tool,
            _ => return None,
        };
        let marks = match speaker {
            Speaker::Tool if are_marked => (RESULT_START, RESULT_END),
            _ => ("", ""),
        };
        if index > 0 {
            rest = rest.strip_prefix(between)?;
        }
        let bytes = if are_marked { message.bytes? } else { rest.len() };
        let spelled = rest.get(..bytes.checked_add(marks.0.len() + marks.1.len())?)?;
        let text = spelled.strip_prefix(marks.0)?.strip_suffix(marks.1)?;
        rest = rest.get(spelled.len()..)?;
        let (id, parts) = (message.tool_call_id.as_deref(), message.content);
        seen.push(Seen { speaker, text, spelled, id, parts });
    }
    rest.is_empty().then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTRA: &str = r#"{"trial": 0, "turns": {
        "calls": [null, [{"id": "b"}, {"id": "a"}], [{}]],
        "observed": [null, [{"role": "tool", "tool_call_id": "a", "bytes": 3}, {"role": "user", "bytes": 2}],
            [{"role": "system"}], [{"role": "narrator"}]],
        "content": [null, [{"type": "text"}]]}}"#;

    #[test]
    fn an_observation_is_taken_apart() {
        let recorded = Recorded::of(EXTRA);
        let seen = recorded.observed(1, "<tool_response>\nü!\n</tool_response>\nhi").unwrap();
        let told = seen.iter().map(|one| (one.speaker, one.text, one.id)).collect::<Vec<_>>();
        assert_eq!(told, [(Speaker::Tool, "ü!", Some("a")), (Speaker::User, "hi", None)]);
        assert_eq!(seen[0].spelled, "<tool_response>\nü!\n</tool_response>");
        let alone = recorded.observed(2, "<tool_response>").unwrap();
        assert_eq!((alone[0].speaker, alone[0].text), (Speaker::System, "<tool_response>"));
        for other in
            ["", "hi", "<tool_response>\nab\n</tool_response>\nhi", "<tool_response>\nü!\n</tool_response>\nhi!"]
        {
            assert!(recorded.observed(1, other).is_none(), "{other}");
        }
        assert!(recorded.observed(0, "").is_none() && recorded.observed(3, "").is_none());
        assert!(recorded.observed(9, "").is_none() && recorded.last_observed(9, "").is_none());
        let cut = Recorded::of(
            r#"{"turns": {"observed": [null, [{"role": "tool"}]]}, "final_observed": [{"role": "user"}]}"#,
        );
        let speaker = |turns| cut.last_observed(turns, "x").map(|seen| seen[0].speaker);
        assert_eq!([speaker(0), speaker(1), speaker(2)], [None, Some(Speaker::Tool), Some(Speaker::User)]);
    }

    #[test]
    fn ids_and_parts_are_taken_where_they_fit() {
        let recorded = Recorded::of(EXTRA);
        assert_eq!(recorded.calls(1, 2), [Some("b"), Some("a")]);
        assert_eq!(
            (recorded.calls(1, 1), recorded.calls(2, 1), recorded.calls(9, 0)),
            (vec![None], vec![None], vec![])
        );
        assert!(recorded.content(1).is_some() && recorded.content(0).is_none() && recorded.content(9).is_none());
        for extra in ["", "[]", "{}", r#"{"turns": 7}"#, r#"{"turns": {"calls": [[{"id": 5}]]}}"#] {
            assert_eq!(Recorded::of(extra).calls(0, 1), [None], "{extra}");
        }
    }

    #[test]
    fn results_find_their_calls() {
        let of = |observed: &str, last: &str| {
            let extra = format!(
                r#"{{"turns": {{"calls": [[{{"id": "a"}}, {{"id": "b"}}]], "observed": [{observed}]}}, "final_observed": {last}}}"#
            );
            Recorded::of(&extra).results(0, 2)
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
    fn results_are_told_apart_where_each_call_has_an_id_of_its_own() {
        let extra = r#"{"turns": {
            "calls": [[{"id": "a"}, {"id": "a"}], [{"id": "a"}, {}], [{"id": "a"}]],
            "observed": [null, [{"tool_call_id": "a"}, {"tool_call_id": "a"}], [{"tool_call_id": "a"}, {"tool_call_id": "b"}],
                [{"tool_call_id": "a"}]]}}"#;
        let recorded = Recorded::of(extra);
        let results = [(0, 2), (1, 2), (2, 2), (2, 1)].map(|(turn, count)| recorded.results(turn, count));
        assert_eq!(results, [None, None, None, Some(vec![0])]);
    }
}
