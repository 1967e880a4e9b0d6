//! Messages as Anthropic's API spells them: calls, results and thoughts are blocks of their contents. Not concerned
//! with turns.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::chat::Reader;
use super::extra::ObjectText;
use super::json::{Fault, Fields, boolean, compact, list, text};
use super::message::Call;
use super::parts::{Content, Part};

/// A call that the agent's own program answers; any other that ends in `tool_use` is answered by a server, within the
/// agent's message.
const OWN_CALL: &str = "tool_use";

/// The result of such a call.
const OWN_RESULT: &str = "tool_result";

/// What a call's block becomes among the parts that are kept, where it did not come last.
const CALL_IN_PLACE: &str = r#"{"type":"tool_use"}"#;

/// A block of a message, and its index in the list.
#[derive(Clone, Copy)]
struct Block<'a> {
    index: Option<usize>,
    value: &'a RawValue,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Result,
    Other,
}

impl<'a> Block<'a> {
    fn at(self, fault: Fault) -> Fault {
        let fault = match self.index {
            Some(index) => fault.at_index(index),
            None => fault,
        };
        fault.within("content")
    }

    fn fields(self) -> Result<(Cow<'a, str>, Fields<'a>), Fault> {
        let mut fields = Fields::of(self.value)?;
        Ok((fields.require("type", text)?, fields))
    }

    /// The call that it is.
    fn call(self) -> Result<Call<'a>, Fault> {
        let (kind, mut fields) = self.fields()?;
        let id = fields.read("id", text)?;
        let name = fields.require("name", text)?;
        let arguments = match fields.take("input") {
            None => Cow::Borrowed(""),
            Some(input) => Cow::Owned(compact(input).map_err(|fault| fault.within("input"))?),
        };
        let mut leftover = ObjectText::default();
        if let Some(id) = &id {
            leftover.text("id", id);
        }
        if kind != OWN_CALL {
            leftover.text("type", &kind);
        }
        leftover.rest(fields)?;
        Ok(Call { name, arguments, id, leftover: leftover.finish() })
    }
}

/// The blocks of a message's content, if it came as such.
fn blocks<'a>(message: &Fields<'a>) -> Result<Option<Vec<Block<'a>>>, Fault> {
    let Some(content) = message.get("content") else { return Ok(None) };
    let block = |index, value: &'a RawValue| {
        let kind = match Part::kind(value) {
            Some(kind) if kind.ends_with(OWN_CALL) => Kind::Call,
            Some(kind) if kind.ends_with(OWN_RESULT) => Kind::Result,
            _ => Kind::Other,
        };
        Block { index, value, kind }
    };
    match content.get().as_bytes().first() {
        Some(b'{') => Ok(Some(vec![block(None, content)])),
        Some(b'[') => {
            let values = list(content).map_err(|fault| fault.within("content"))?;
            Ok(Some((0..).zip(values).map(|(index, value)| block(Some(index), value)).collect()))
        }
        _ => Ok(None),
    }
}

/// The fields by which OpenAI's messages make calls.
const OPENAI_CALLS: [&str; 2] = ["tool_calls", "function_call"];

impl<'a> Reader<'a> {
    /// A message of the agent. What servers answered within it ends a turn: the agent did not say that, it was shown
    /// it.
    pub(super) fn assistant_blocks(&mut self, mut message: Fields<'a>) -> Result<(), Fault> {
        if let Some(name) = OPENAI_CALLS.into_iter().find(|name| message.get(name).is_some()) {
            return Err(Fault::new(format!("`{name}` makes calls in OpenAI's messages, not in Anthropic's"))
                .help("import these files with `format: openai-chat`")
                .within(name));
        }
        let blocks = match blocks(&message)? {
            Some(blocks) if blocks.iter().any(|block| block.kind != Kind::Other) => blocks,
            _ => {
                let said = message.read("content", |content| self.parts.content(content))?.unwrap_or_default();
                return self.decide(said, Vec::new(), Some(message));
            }
        };
        message.take("content");
        let mut message = Some(message);
        let mut rest = blocks.as_slice();
        // Results at the very beginning are of calls in an earlier message.
        while !rest.is_empty() || message.is_some() {
            let said = rest.iter().take_while(|block| block.kind != Kind::Result).count();
            let (own, behind) = rest.split_at(said);
            let results = behind.iter().take_while(|block| block.kind == Kind::Result).count();
            let (results, later) = behind.split_at(results);
            if !own.is_empty() || (later.is_empty() && message.is_some() && results.is_empty()) {
                let last = if later.is_empty() { message.take() } else { None };
                let (said, calls) = self.own_blocks(own)?;
                self.decide(said, calls, last)?;
            }
            for result in results {
                self.server_result(*result).map_err(|fault| result.at(fault))?;
            }
            rest = later;
        }
        Ok(())
    }

    /// What the agent said and called.
    fn own_blocks(&mut self, blocks: &[Block<'a>]) -> Result<(Content<'a>, Vec<Call<'a>>), Fault> {
        let others = || blocks.iter().filter(|block| block.kind == Kind::Other);
        let calls = blocks.iter().filter(|block| block.kind == Kind::Call);
        let calls: Result<Vec<_>, Fault> = calls.map(|block| block.call().map_err(|fault| block.at(fault))).collect();
        if others().next().is_none() {
            return Ok((Content::default(), calls?));
        }
        let index = |block: &Block<'a>| (block.index.unwrap_or_default(), block.value);
        let mut said = self.parts.parts(others().map(index)).map_err(|fault| fault.within("content"))?;
        if let Some(parts) = &said.parts
            && !blocks.is_sorted_by_key(|block| block.kind == Kind::Call)
        {
            said.parts = Some(with_calls_in_place(parts, blocks)?);
        }
        Ok((said, calls?))
    }

    /// The result of a call that a server answered.
    fn server_result(&mut self, block: Block<'a>) -> Result<(), Fault> {
        let (kind, mut fields) = block.fields()?;
        if kind == OWN_RESULT {
            return Err(Fault::new("`tool_result` is a block of the user's messages, not of the assistant's"));
        }
        let content = fields.take("content");
        let is_error = fields.get("is_error").map(boolean).transpose().map_err(|fault| fault.within("is_error"))?;
        let is_error = is_error.or_else(|| Some(is_server_error(content?)).filter(|is_error| *is_error));
        // What servers answer has many forms: what is not made of words is shown as it was recorded.
        let content = content.map(|content| match is_words(content) {
            true => self.parts.content(content),
            false => compact(content).map(|json| Content { text: Some(Cow::Owned(json)), ..Content::default() }),
        });
        let content = content.transpose().map_err(|fault| fault.within("content"))?.unwrap_or_default();
        let mut leftover = ObjectText::default();
        leftover.text("role", "tool");
        leftover.text("type", &kind);
        self.result_block(content, leftover, fields, is_error)
    }

    /// A message of the user: its results of calls, and what the user said beside them.
    pub(super) fn user_blocks(&mut self, mut message: Fields<'a>) -> Result<(), Fault> {
        let blocks = match blocks(&message)? {
            Some(blocks) if blocks.iter().any(|block| block.kind != Kind::Other) => blocks,
            _ => return self.bystander(Cow::Borrowed("user"), message),
        };
        message.take("content");
        let mut message = Some(message).filter(|message| !message.is_empty());
        for run in blocks.chunk_by(|left, right| left.kind == Kind::Other && right.kind == Kind::Other) {
            let Some(first) = run.first() else { continue };
            match first.kind {
                Kind::Call => {
                    return Err(first.at(Fault::new("only the assistant calls tools, and this is the user's message")));
                }
                Kind::Result => self.user_result(*first, message.take()).map_err(|fault| first.at(fault))?,
                Kind::Other => {
                    let parts = run.iter().map(|block| (block.index.unwrap_or_default(), block.value));
                    let content = self.parts.parts(parts).map_err(|fault| fault.within("content"))?;
                    self.show(Cow::Borrowed("user"), content, message.take())?;
                }
            }
        }
        Ok(())
    }

    /// A result among the user's blocks. `message`: what else the user's message has.
    fn user_result(&mut self, block: Block<'a>, message: Option<Fields<'a>>) -> Result<(), Fault> {
        let (kind, mut fields) = block.fields()?;
        let content = fields.read("content", |content| self.parts.content(content))?.unwrap_or_default();
        let is_error = fields.get("is_error").map(boolean).transpose().map_err(|fault| fault.within("is_error"))?;
        let mut leftover = ObjectText::default();
        leftover.text("role", "tool");
        if kind != OWN_RESULT {
            leftover.text("type", &kind);
        }
        if let Some(message) = message {
            leftover.rest(message)?;
        }
        self.result_block(content, leftover, fields, is_error)
    }

    fn result_block(
        &mut self,
        content: Content<'a>,
        mut leftover: ObjectText,
        mut fields: Fields<'a>,
        is_error: Option<bool>,
    ) -> Result<(), Fault> {
        let id = fields.require("tool_use_id", text)?;
        self.answer(Some(&id), is_error);
        // By the name that it has among OpenAI's messages, so that whoever reads `extra` finds it.
        leftover.text("tool_call_id", &id);
        self.show_result(content, leftover, fields)
    }
}

/// Whether it is a text, or a list of such.
fn is_words(content: &RawValue) -> bool {
    let is_text = |part: &RawValue| matches!(Part::read(part), Ok(Part::Text(_)));
    content.get().starts_with('"') || list(content).is_ok_and(|parts| parts.into_iter().all(is_text))
}

/// Whether what a server answered is an error.
fn is_server_error(content: &RawValue) -> bool {
    let fields = Fields::of(content).ok();
    fields.is_some_and(|fields| fields.get("error_code").is_some())
}

/// Kept parts, with the calls between them where they stood.
fn with_calls_in_place(parts: &str, blocks: &[Block<'_>]) -> Result<String, Fault> {
    let parts: Vec<&RawValue> = serde_json::from_str(parts)?;
    let mut parts = parts.into_iter().map(RawValue::get);
    let in_place = blocks.iter().filter_map(|block| match block.kind {
        Kind::Call => Some(CALL_IN_PLACE),
        _ => parts.next(),
    });
    Ok(format!("[{}]", in_place.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::TurnRow;

    use super::super::chat::{Conversation, Dialect, Reading, Recorded, conversation};
    use super::super::json::objects;
    use super::super::row::Counts;
    use super::*;

    fn read(messages: &str) -> Result<(Conversation, String), Fault> {
        let messages = RawValue::from_string(messages.to_owned()).unwrap();
        let recorded = Recorded { field: "messages", messages: objects(&messages).unwrap(), ..Recorded::default() };
        let reading = Reading { dialect: Dialect::Anthropic, include_reasoning: true, ..Reading::default() };
        let mut conversation = conversation(recorded, reading)?;
        let mut extra = ObjectText::default();
        conversation.leave_over(&mut extra);
        Ok((conversation, extra.finish()))
    }

    fn tools(turn: &TurnRow) -> (Option<&str>, Option<&str>, Option<bool>, Option<bool>) {
        (turn.tool_name.as_deref(), turn.tool_arguments.as_deref(), turn.tool_answered, turn.tool_error)
    }

    #[test]
    fn blocks_become_calls_and_results() {
        let (conversation, extra) = read(
            r#"[{"role": "user", "content": "How warm?"},
                {"role": "assistant", "stop_reason": "tool_use", "content": [
                    {"type": "thinking", "thinking": "Look.", "signature": "s"}, {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "a", "name": "read", "input": {"place": "x", "n": 1.50}},
                    {"type": "tool_use", "id": "b", "name": "open", "input": {}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "offline"}], "is_error": true},
                    {"type": "tool_result", "tool_use_id": "a", "content": "21", "is_error": false},
                    {"type": "text", "text": "Error? "}, {"type": "text", "text": "Hurry!"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "21."}]}]"#,
        )
        .unwrap();
        let turns = &conversation.turns;
        insta::assert_snapshot!(turns[0].action, @r#"
        <think>
        Look.
        </think>
        Let me look.
        <tool_call>
        {"name": "read", "arguments": {"place":"x","n":1.50}}
        </tool_call>
        <tool_call>
        {"name": "open", "arguments": {}}
        </tool_call>
        "#);
        assert_eq!(
            tools(&turns[0]),
            (Some("read,open"), Some(r#"[{"place":"x","n":1.50},{}]"#), Some(true), Some(true))
        );
        insta::assert_snapshot!(turns[1].observation, @"
        <tool_response>
        offline
        </tool_response>
        <tool_response>
        21
        </tool_response>
        Error? Hurry!
        ");
        assert_eq!((turns[1].action.as_str(), tools(&turns[1])), ("21.", (None, None, None, None)));
        assert_eq!(conversation.counts, Counts { calls: 2, text_and_call: 1, ..Counts::default() });
        insta::assert_snapshot!(extra, @r#"{"turns":{"content":[[{"type":"thinking","thinking":"Look.","signature":"s"},{"type":"text","text":"Let me look."}],[{"type":"text"}]],"calls":[[{"id":"a"},{"id":"b"}],null],"stop_reason":["tool_use",null],"observed":[null,[{"role":"tool","tool_call_id":"b","content":[{"type":"text"}],"is_error":true,"bytes":7},{"role":"tool","tool_call_id":"a","is_error":false,"bytes":2},{"role":"user","content":[{"type":"text","text":"Error? "},{"type":"text","text":"Hurry!"}],"bytes":13}]]}}"#);
    }

    #[test]
    fn a_call_that_a_person_answers_has_no_result() {
        let (conversation, _) = read(
            r#"[{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "text", "text": "Stop"}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "b", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "b"}]}]"#,
        )
        .unwrap();
        let answered: Vec<_> = conversation.turns.iter().map(|turn| turn.tool_answered).collect();
        assert_eq!(answered, [Some(false), Some(true)]);
        assert_eq!((conversation.turns[1].observation.as_str(), conversation.final_observation.as_str()), ("Stop", ""));
        assert_eq!(conversation.counts.calls_without_result, 1);
    }

    /// What a server answers within the agent's message was shown to the agent, which did not say it.
    #[test]
    fn results_of_servers_end_a_turn() {
        let (conversation, extra) = read(
            r#"[{"role": "user", "content": "News?"},
                {"role": "assistant", "id": "m", "content": [{"type": "text", "text": "I search."},
                    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
                    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [
                        {"type": "web_search_result", "url": "u", "title": "t"}]},
                    {"type": "text", "text": "Found"}, {"type": "text", "text": " it.", "citations": []},
                    {"type": "server_tool_use", "id": "r", "name": "web_search", "input": {}},
                    {"type": "web_search_tool_result", "tool_use_id": "r", "content":
                        {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Sorry."}]}]"#,
        )
        .unwrap();
        let turns = &conversation.turns;
        assert_eq!(turns.len(), 3);
        assert_eq!(tools(&turns[0]), (Some("web_search"), Some(r#"{"query":"q"}"#), Some(true), None));
        assert_eq!(turns[1].observation, r#"[{"type":"web_search_result","url":"u","title":"t"}]"#);
        assert!(turns[1].action.starts_with("Found it.\n<tool_call>"), "{}", turns[1].action);
        assert_eq!(tools(&turns[1]), (Some("web_search"), Some("{}"), Some(true), Some(true)));
        assert!(turns[2].observation.contains("max_uses_exceeded"));
        assert_eq!((turns[2].action.as_str(), conversation.counts.calls_without_result), ("Sorry.", 0));
        insta::assert_snapshot!(extra, @r#"{"turns":{"content":[[{"type":"text"}],[{"type":"text","text":"Found"},{"type":"text","text":" it.","citations":[]}],[{"type":"text"}]],"calls":[[{"id":"s","type":"server_tool_use"}],[{"id":"r","type":"server_tool_use"}],null],"observed":[null,[{"role":"tool","type":"web_search_tool_result","tool_call_id":"s"}],[{"role":"tool","type":"web_search_tool_result","tool_call_id":"r"}]],"id":[null,"m",null]}}"#);
    }

    #[test]
    fn contents_of_every_form_are_read() {
        let (conversation, extra) = read(
            r#"[{"role": "user", "content": {"type": "text", "text": "one"}},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}},
                    {"type": "text", "text": "behind"}]},
                {"role": "user", "content": {"type": "tool_result", "tool_use_id": "a", "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}]}, "id": 7},
                {"role": "assistant", "content": []},
                {"role": "assistant", "content": "words"},
                {"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "d"}}]}]"#,
        )
        .unwrap();
        let texts: Vec<_> =
            conversation.turns.iter().map(|turn| (turn.observation.as_str(), turn.action.as_str())).collect();
        let call = "behind\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>";
        assert_eq!(texts, [("one", call), ("[image]", ""), ("", "words")]);
        assert_eq!(
            (conversation.final_observation.as_str(), conversation.turns[0].tool_answered),
            ("[file]", Some(true))
        );
        insta::assert_snapshot!(extra, @r#"{"turns":{"observed":[[{"role":"user","content":{"type":"text","text":"one"}}],[{"role":"tool","id":7,"tool_call_id":"a","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}}]}],null],"content":[[{"type":"tool_use"},{"type":"text"}],[],null],"calls":[[{"id":"a"}],null,null]},"final_observed":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"d"}}]}]}"#);
    }

    #[test]
    fn what_is_not_anthropics_is_named() {
        let faults = [
            r#"{"role": "tool", "content": "x", "tool_call_id": "1"}"#,
            r#"{"role": "assistant", "content": null, "tool_calls": []}"#,
            r#"{"role": "user", "content": [{"type": "tool_use", "name": "f"}]}"#,
            r#"{"role": "assistant", "content": ["x", {"type": "tool_result", "tool_use_id": "1"}]}"#,
            r#"{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}"#,
            r#"{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "is_error": "no"}]}"#,
            r#"{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "x"}]}]}"#,
            r#"{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "input": {}}]}"#,
            r#"{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f"}, {"type": "hologram"}]}"#,
        ];
        let told = faults.map(|message| {
            let fault = read(&format!("[{message}]")).unwrap_err();
            fault.help.iter().fold(fault.to_string(), |told, help| format!("{told}; {help}"))
        });
        insta::assert_snapshot!(told.join("\n"), @"
        field `messages[0].role`: `tool` is a role of OpenAI's messages; in Anthropic's, results are blocks of the user; import these files with `format: openai-chat`
        field `messages[0].tool_calls`: `tool_calls` makes calls in OpenAI's messages, not in Anthropic's; import these files with `format: openai-chat`
        field `messages[0].content[0]`: only the assistant calls tools, and this is the user's message
        field `messages[0].content[1]`: `tool_result` is a block of the user's messages, not of the assistant's
        field `messages[0].content[0].tool_use_id`: is missing or null
        field `messages[0].content[0].is_error`: expected true or false, found text
        field `messages[0].content[0].content[0]`: `x` is not a type of part that `import` knows; `unknown_parts: placeholder` puts its type in place of it, and keeps it in `extra`
        field `messages[0].content[0].name`: is missing or null
        field `messages[0].content[1]`: `hologram` is not a type of part that `import` knows; `unknown_parts: placeholder` puts its type in place of it, and keeps it in `extra`
        ");
    }
}
