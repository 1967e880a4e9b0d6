//! Chat messages become turns: one assistant message is one turn, and what stands between two of them is the
//! observation of the second.

use std::borrow::Cow;

use sternlight_engine::trajectory::TurnRow;

use super::answers::{Answer, Calls};
use super::extra::{ObjectText, TurnLeftovers, json_list, json_text};
use super::json::{Fault, Fields, compact, list, text};
use super::message::{Call, Content, action, content, take_calls, tool_columns};
use super::row::Counts;
use super::text_agent;

/// Fields in which people keep an assistant's reasoning.
const REASONING: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// How messages are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Recorded reasoning is put first in the action.
    pub(super) include_reasoning: bool,
    /// The harness knows agents that write their calls as text.
    pub(super) text_agents: bool,
}

/// A conversation as columns.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) prompt: String,
    pub(super) turns: Vec<TurnRow>,
    pub(super) final_observation: String,
    pub(super) counts: Counts,
    /// Whether the agent writes its calls as text.
    pub(super) text_agent: bool,
    leftovers: TurnLeftovers,
    final_observed: Option<String>,
    prompt_messages: Option<String>,
    /// Calls of the last message, if nothing follows it.
    open_calls: u64,
}

impl Conversation {
    /// What was shown last, recorded beside the messages because the last of them had to be the assistant's. It
    /// answers the calls of that message. Whether there was room for it.
    pub(super) fn show_last(&mut self, observation: &str) -> bool {
        let is_missing = self.final_observation.is_empty();
        if is_missing {
            observation.clone_into(&mut self.final_observation);
            if self.open_calls > 0 {
                self.counts.calls_without_result -= std::mem::take(&mut self.open_calls);
                self.answered();
            }
        }
        is_missing
    }

    /// What the agent called last has a result.
    fn answered(&mut self) {
        if let Some(turn) = self.turns.last_mut() {
            turn.tool_answered = Some(true);
        }
    }

    /// Adds what no column holds.
    pub(super) fn leave_over(&mut self, extra: &mut ObjectText) {
        if self.text_agent {
            extra.json("text_agent", "true");
        }
        let leftovers = [
            ("prompt_messages", self.prompt_messages.take()),
            ("turns", std::mem::take(&mut self.leftovers).finish(self.turns.len())),
            ("final_observed", self.final_observed.take()),
        ];
        for (key, leftover) in leftovers {
            if let Some(json) = leftover {
                extra.json(key, &json);
            }
        }
    }
}

/// A message that the agent was shown.
struct Shown<'a> {
    text: Cow<'a, str>,
    is_result: bool,
    /// Its role and what its text does not say; empty if the message has a role, a text and nothing else.
    leftover: ObjectText,
    /// Its role in that case.
    plain_role: Option<Cow<'a, str>>,
}

/// Reads a conversation.
pub(super) fn conversation(messages: Vec<Fields<'_>>, reading: Reading) -> Result<Conversation, Fault> {
    let makes_calls = messages.iter().any(|message| message.get("tool_calls").is_some());
    let mut reader = Reader { reading, makes_calls, ..Reader::default() };
    for (index, message) in messages.into_iter().enumerate() {
        reader.message(message).map_err(|fault| fault.at_index(index))?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader<'a> {
    reading: Reading,
    makes_calls: bool,
    /// Whether a message was seen that is not part of the prompt.
    prompt_ended: bool,
    /// What the agent was shown since its last message.
    shown: Vec<Shown<'a>>,
    calls: Calls<'a>,
    conversation: Conversation,
}

impl<'a> Reader<'a> {
    fn message(&mut self, mut message: Fields<'a>) -> Result<(), Fault> {
        let role = message.require("role", text)?;
        if !self.prompt_ended && !matches!(role.as_ref(), "system" | "developer") {
            self.end_prompt();
        }
        match role.as_ref() {
            "assistant" => self.assistant(message),
            "system" | "developer" | "user" => self.bystander(role, message),
            "tool" | "function" => self.result(&role, message),
            other => Err(Fault::new(format!(
                "`{other}` is not a role; expected `system`, `developer`, `user`, `assistant`, `tool` or `function`"
            ))
            .within("role")),
        }
    }

    fn end_prompt(&mut self) {
        self.prompt_ended = true;
        let prompt: Vec<&str> = self.shown.iter().map(|message| message.text.as_ref()).collect();
        self.conversation.prompt = prompt.join("\n\n");
        self.conversation.prompt_messages = self.observed("system");
        self.conversation.text_agent = self.reading.text_agents
            && !self.makes_calls
            && self.conversation.prompt.contains(text_agent::TOOL_HEADING);
    }

    fn assistant(&mut self, mut message: Fields<'a>) -> Result<(), Fault> {
        let turn = self.conversation.turns.len();
        let observation = self.observation();
        if let Some(observed) = self.observed("user") {
            self.conversation.leftovers.put(turn, "observed", observed);
        }
        let mut said = message.read("content", content)?.unwrap_or_default();
        let refusal = message.get("refusal").map(text).transpose().map_err(|fault| fault.within("refusal"))?;
        let reasoning = REASONING
            .iter()
            .find_map(|name| message.get(name).filter(|_| self.reading.include_reasoning).map(|value| (name, value)));
        let reasoning = reasoning.map(|(name, value)| text(value).map_err(|fault| fault.within(name))).transpose()?;
        let calls = take_calls(&mut message)?;

        let spoken = said.text.as_ref().or(refusal.as_ref()).map_or("", AsRef::as_ref);
        let (tool_name, tool_arguments) = match self.conversation.text_agent {
            true => text_agent::call(spoken).unzip(),
            false => tool_columns(&calls),
        };
        let counts = &mut self.conversation.counts;
        counts.calls += if self.conversation.text_agent { u64::from(tool_name.is_some()) } else { calls.len() as u64 };
        counts.text_and_call += u64::from(!calls.is_empty() && !spoken.trim().is_empty());
        let spoken_action = match calls.is_empty() {
            // Nothing else is made of a text without calls: it need not be copied.
            true => said.text.take().or(refusal).unwrap_or_default().into_owned(),
            false => action(spoken, &calls),
        };
        let action = match &reasoning {
            Some(reasoning) => format!("<think>\n{reasoning}\n</think>\n{spoken_action}"),
            None => spoken_action,
        };
        self.conversation.turns.push(TurnRow {
            observation,
            action,
            tool_answered: tool_name.is_some().then_some(false),
            tool_name,
            tool_arguments,
            tool_error: None,
            reward: None,
        });
        self.leave_over(turn, &said, calls, message)
    }

    /// Keeps what the columns of a turn do not say.
    fn leave_over(
        &mut self,
        turn: usize,
        said: &Content<'_>,
        calls: Vec<Call<'a>>,
        message: Fields<'a>,
    ) -> Result<(), Fault> {
        let leftovers = &mut self.conversation.leftovers;
        match (&said.parts, &said.text) {
            (Some(parts), _) => leftovers.put(turn, "content", parts.clone()),
            // Blank text beside a call is not part of the action.
            (None, Some(text)) if !calls.is_empty() && text.trim().is_empty() => {
                leftovers.put(turn, "content", json_text(text));
            }
            _ => {}
        }
        if !calls.is_empty() {
            leftovers.put(turn, "calls", json_list(calls.iter().map(|call| call.leftover.clone())));
        }
        self.calls.next_message();
        calls.into_iter().for_each(|call| self.calls.called(call.id));
        for (key, value) in message.rest() {
            // `observed` and `calls` are ours.
            let name = match key.as_ref() {
                "observed" | "calls" => format!("message.{key}"),
                _ => key.clone().into_owned(),
            };
            leftovers.put(turn, &name, compact(value).map_err(|fault| fault.within(&key))?);
        }
        Ok(())
    }

    /// A message of somebody who is neither the agent nor a tool.
    fn bystander(&mut self, role: Cow<'a, str>, mut message: Fields<'a>) -> Result<(), Fault> {
        let content = message.read("content", content)?.unwrap_or_default();
        let is_plain = content.parts.is_none() && content.text.is_some() && message.is_empty();
        let follows_call = self.conversation.turns.last().is_some_and(|turn| turn.tool_name.is_some());
        let text = content.text.unwrap_or_default();
        let result = match self.conversation.text_agent && follows_call {
            true => text.strip_prefix(text_agent::RESULT_PREFIX).map(str::to_owned),
            false => None,
        };
        if is_plain && result.is_none() {
            let leftover = ObjectText::default();
            self.shown.push(Shown { text, is_result: false, leftover, plain_role: Some(role) });
            return Ok(());
        }
        let mut leftover = ObjectText::default();
        leftover.text("role", &role);
        if let Some(parts) = &content.parts {
            leftover.json("content", parts);
        }
        if result.is_some() {
            self.conversation.answered();
            leftover.text("prefix", text_agent::RESULT_PREFIX);
        }
        leftover.rest(message)?;
        let text = result.map_or(text, Cow::Owned);
        self.shown.push(Shown { text, is_result: false, leftover, plain_role: None });
        Ok(())
    }

    fn result(&mut self, role: &str, mut message: Fields<'a>) -> Result<(), Fault> {
        let content = message.read("content", content)?.unwrap_or_default();
        let id = message.get("tool_call_id").map(text).transpose().map_err(|fault| fault.within("tool_call_id"))?;
        let ids = message.get("tool_call_ids").map(list).transpose().map_err(|fault| fault.within("tool_call_ids"))?;
        match ids {
            None => self.answer(id.as_deref()),
            Some(ids) => {
                for id in ids {
                    self.answer(Some(&text(id).map_err(|fault| fault.within("tool_call_ids"))?));
                }
            }
        }
        let mut leftover = ObjectText::default();
        leftover.text("role", role);
        if let Some(parts) = &content.parts {
            leftover.json("content", parts);
        }
        leftover.rest(message)?;
        let text = content.text.unwrap_or_default();
        self.shown.push(Shown { text, is_result: true, leftover, plain_role: None });
        Ok(())
    }

    /// Notes whose a result is.
    fn answer(&mut self, id: Option<&str>) {
        match self.calls.answer(id) {
            Answer::InTime => self.conversation.answered(),
            Answer::Late => self.conversation.counts.late_results += 1,
            Answer::Stray => self.conversation.counts.results_without_call += 1,
        }
    }

    /// Takes what was shown, as one text.
    fn observation(&mut self) -> String {
        match self.shown.as_mut_slice() {
            [] => String::new(),
            [message] => std::mem::take(&mut message.text).into_owned(),
            several => {
                let texts: Vec<Cow<'_, str>> = several
                    .iter()
                    .map(|message| match message.is_result {
                        true => Cow::Owned(format!("<tool_response>\n{}\n</tool_response>", message.text)),
                        false => Cow::Borrowed(message.text.as_ref()),
                    })
                    .collect();
                texts.join("\n")
            }
        }
    }

    /// Takes what was shown and gives, as a list, what its text does not say; `None` if it was nothing, or one
    /// message of the usual role with a text and nothing else. Where several texts were joined, their lengths in
    /// bytes tell them apart again.
    fn observed(&mut self, usual_role: &str) -> Option<String> {
        let shown = std::mem::take(&mut self.shown);
        match shown.as_slice() {
            [] => return None,
            [message] if message.plain_role.as_deref() == Some(usual_role) => return None,
            _ => {}
        }
        let joined = shown.len() > 1;
        Some(json_list(shown.into_iter().map(|mut message| {
            if let Some(role) = &message.plain_role {
                message.leftover.text("role", role);
            }
            if joined {
                message.leftover.json("bytes", &message.text.len().to_string());
            }
            message.leftover.finish()
        })))
    }

    fn finish(mut self) -> Conversation {
        if !self.prompt_ended {
            self.end_prompt();
        }
        let ends_in_calls = self.shown.is_empty();
        self.conversation.final_observation = self.observation();
        self.conversation.final_observed = self.observed("user");
        let turns = self.conversation.turns.iter().filter(|turn| turn.tool_answered == Some(false));
        self.conversation.counts.calls_without_result = match self.conversation.text_agent {
            true => turns.count() as u64,
            false => self.calls.unanswered(),
        };
        self.conversation.open_calls = if ends_in_calls { self.calls.last() } else { 0 };
        self.conversation
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::super::json::objects;
    use super::*;

    fn read(messages: &str, reading: Reading) -> (Conversation, String) {
        let messages: Box<RawValue> = serde_json::from_str(messages).unwrap();
        let mut conversation = conversation(objects(&messages).unwrap(), reading).unwrap();
        let mut extra = ObjectText::default();
        conversation.leave_over(&mut extra);
        (conversation, extra.finish())
    }

    fn answered(conversation: &Conversation) -> Vec<Option<bool>> {
        conversation.turns.iter().map(|turn| turn.tool_answered).collect()
    }

    const CALLS: &str = r#"[
        {"role": "system", "content": "a"}, {"role": "developer", "content": "b"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Hi", "name": "Ann"}, {"role": "system", "content": "hurry"},
        {"role": "assistant", "content": "", "weight": 0, "tool_calls": [
            {"id": "1", "function": {"name": "x", "arguments": "{}"}},
            {"id": "2", "function": {"name": "y", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "2", "content": "two"},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "Done", "reasoning": "so"},
        {"role": "user", "content": "Bye"}]"#;

    #[test]
    fn a_turn_is_a_message_and_an_observation_what_stands_before_it() {
        let (conversation, extra) = read(CALLS, Reading::default());
        assert_eq!(conversation.prompt, "a\n\nb");
        let turns = &conversation.turns;
        assert_eq!((turns[0].observation.as_str(), turns[0].action.as_str()), ("", "Hello"));
        assert_eq!(turns[1].observation, "Hi\nhurry");
        assert_eq!(turns[1].tool_name.as_deref(), Some("x,y"));
        insta::assert_snapshot!(turns[2].observation, @"
        <tool_response>
        two
        </tool_response>
        <tool_response>
        one
        </tool_response>
        ");
        assert_eq!((turns[2].action.as_str(), conversation.final_observation.as_str()), ("Done", "Bye"));
        assert_eq!(conversation.counts, Counts { calls: 2, ..Counts::default() });
        assert_eq!(answered(&conversation), [None, Some(true), None]);
        insta::assert_snapshot!(extra, @r#"{"prompt_messages":[{"role":"system","bytes":1},{"role":"developer","bytes":1}],"turns":{"observed":[null,[{"role":"user","name":"Ann","bytes":2},{"role":"system","bytes":5}],[{"role":"tool","tool_call_id":"2","bytes":3},{"role":"tool","content":[{"type":"text"}],"tool_call_id":"1","bytes":3}]],"content":[null,"",null],"calls":[null,[{"id":"1"},{"id":"2"}],null],"weight":[null,0,null],"reasoning":[null,null,"so"]}}"#);
    }

    #[test]
    fn reasoning_is_put_first_if_asked_for() {
        let (conversation, _) = read(CALLS, Reading { include_reasoning: true, ..Reading::default() });
        assert_eq!(conversation.turns[2].action, "<think>\nso\n</think>\nDone");
    }

    #[test]
    fn calls_and_results_that_do_not_match_are_counted() {
        let (conversation, _) = read(
            r#"[{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "x", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "9", "content": ""},
                {"role": "assistant", "content": "text", "function_call": {"name": "y", "arguments": "{}"}},
                {"role": "function", "name": "y", "content": "old"},
                {"role": "tool", "tool_call_ids": ["1", "2"], "content": "late"},
                {"role": "assistant", "tool_calls": [{"id": "3", "function": {"name": "x", "arguments": "{}"}}]}]"#,
            Reading::default(),
        );
        let expected =
            Counts { calls: 3, text_and_call: 1, results_without_call: 2, late_results: 1, calls_without_result: 1 };
        assert_eq!(conversation.counts, expected);
        assert_eq!(answered(&conversation), [Some(false), Some(true), Some(false)]);
    }

    /// A person's words, the agent's own next message and the end are no result; one of two results is enough.
    #[test]
    fn what_nobody_answered_is_not_answered() {
        let call = |ids: &[&str]| {
            let calls: Vec<String> = ids
                .iter()
                .map(|id| format!(r#"{{"id": "{id}", "function": {{"name": "x", "arguments": "{{}}"}}}}"#))
                .collect();
            format!(r#"{{"role": "assistant", "tool_calls": [{}]}}"#, calls.join(","))
        };
        let user = r#"{"role": "user", "content": "Error: not what I meant"}"#;
        let tool = r#"{"role": "tool", "tool_call_id": "b", "content": "4"}"#;
        let messages = [&call(&["a"]), user, &call(&["a"]), &call(&["a", "b"]), tool, user, &call(&["a"]), user];
        let (mut conversation, _) = read(&format!("[{}]", messages.join(",")), Reading::default());
        assert_eq!(answered(&conversation), [Some(false), Some(false), Some(true), Some(false)]);
        assert_eq!(conversation.counts, Counts { calls: 5, calls_without_result: 4, ..Counts::default() });
        assert!(!conversation.show_last("what was shown last is known"));
        let (mut conversation, _) = read(&format!("[{}]", call(&["a"])), Reading::default());
        assert!(conversation.show_last("beside the messages"));
        assert_eq!((answered(&conversation), conversation.counts.calls_without_result), (vec![Some(true)], 0));
    }

    #[test]
    fn agents_that_write_their_calls_are_understood() {
        let (conversation, extra) = read(
            r##"[{"role": "system", "content": "#Available tools\n[]"},
                {"role": "assistant", "content": "Action:\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}", "tool_calls": null},
                {"role": "user", "content": "API output: 7"},
                {"role": "assistant", "content": "Seven."},
                {"role": "user", "content": "API output: is what I said"}]"##,
            Reading { text_agents: true, ..Reading::default() },
        );
        assert_eq!(conversation.turns[0].tool_arguments.as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(
            (conversation.turns[1].observation.as_str(), answered(&conversation)),
            ("7", vec![Some(true), None])
        );
        assert_eq!(conversation.final_observation, "API output: is what I said");
        insta::assert_snapshot!(extra, @r#"{"text_agent":true,"turns":{"observed":[null,[{"role":"user","prefix":"API output: "}]]}}"#);
    }

    #[test]
    fn faults_name_message_and_field() {
        let fault = |messages: &str| {
            let messages: Box<RawValue> = serde_json::from_str(messages).unwrap();
            conversation(objects(&messages).unwrap(), Reading::default()).unwrap_err().to_string()
        };
        insta::assert_snapshot!(fault(r#"[{"role": "user", "content": 7}]"#), @"field `[0].content`: expected text or a list of parts, found a number");
        insta::assert_snapshot!(fault(r#"[{"content": "x"}]"#), @"field `[0].role`: is missing or null");
        insta::assert_snapshot!(
            fault(r#"[{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}]"#),
            @"field `[0].tool_calls[0].function.name`: is missing or null"
        );
        insta::assert_snapshot!(
            fault(r#"[{"role": "human"}]"#),
            @"field `[0].role`: `human` is not a role; expected `system`, `developer`, `user`, `assistant`, `tool` or `function`"
        );
    }
}
