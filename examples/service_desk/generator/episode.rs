//! A conversation between agent, user and desk as it is recorded, message by message.

use serde::Serialize;

use super::database::Database;
use super::draws::Draws;
use super::policy;
use super::tools::{Desk, TRANSFER};
use super::user::{Intent, Meaning, Reply, User};

/// An agent gets this many steps.
const STEP_LIMIT: usize = 30;

/// A message in the form of the chat completions API.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Message {
    Text { role: &'static str, content: String },
    Calls { role: &'static str, content: Option<String>, tool_calls: [ToolCall; 1] },
    Result { role: &'static str, tool_call_id: String, name: String, content: String },
}

/// A call within an assistant message.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ToolCall {
    id: String,
    r#type: &'static str,
    function: CalledFunction,
}

#[derive(Clone, Debug, Serialize)]
struct CalledFunction {
    name: String,
    /// JSON text, or what the agent took for it.
    arguments: String,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    UserLeft,
    HandedOver,
    StepLimit,
}

/// A conversation under way.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    desk: Desk,
    user: User<'a>,
    draws: Draws,
    messages: Vec<Message>,
    steps: usize,
    /// What the agent told the user, in lower case and without commas, as outputs are looked for.
    said: Vec<String>,
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(desk: Desk, user: User<'a>, draws: Draws) -> Self {
        let system = Message::Text { role: "system", content: policy::TEXT.to_owned() };
        Self { desk, user, draws, messages: vec![system], steps: 0, said: Vec::new() }
    }

    pub(crate) fn database(&self) -> &Database {
        self.desk.database()
    }

    /// The user's first message.
    pub(crate) fn open(&mut self) -> Meaning {
        let reply = self.user.open();
        self.hear(reply)
    }

    /// The agent says something to the user.
    pub(crate) fn say(&mut self, text: String, intent: Intent<'_>) -> Result<Meaning, Ended> {
        self.step()?;
        self.said.push(text.to_lowercase().replace(',', ""));
        self.messages.push(Message::Text { role: "assistant", content: text });
        let reply = self.user.reply(intent);
        match self.hear(reply) {
            Meaning::Leaves => Err(Ended::UserLeft),
            meaning => Ok(meaning),
        }
    }

    /// The agent calls a tool, perhaps with some words that nobody hears, and reads the result.
    pub(crate) fn call(&mut self, name: &str, arguments: &str, beside: Option<String>) -> Result<String, Ended> {
        self.step()?;
        let id = format!("call_{:08x}", self.draws.below(1 << 32));
        let function = CalledFunction { name: name.to_owned(), arguments: arguments.to_owned() };
        let call = ToolCall { id: id.clone(), r#type: "function", function };
        self.messages.push(Message::Calls { role: "assistant", content: beside, tool_calls: [call] });
        let content = self.desk.call(name, arguments);
        let result =
            Message::Result { role: "tool", tool_call_id: id, name: name.to_owned(), content: content.clone() };
        self.messages.push(result);
        if name == TRANSFER { Err(Ended::HandedOver) } else { Ok(content) }
    }

    /// Whether the user was told a text, by the rule by which τ-bench looks for outputs.
    pub(crate) fn told(&self, output: &str) -> bool {
        self.said.iter().any(|said| said.contains(&output.to_lowercase()))
    }

    pub(crate) fn into_messages(self) -> Vec<Message> {
        self.messages
    }

    fn hear(&mut self, reply: Reply) -> Meaning {
        self.messages.push(Message::Text { role: "user", content: reply.text });
        reply.meaning
    }

    fn step(&mut self) -> Result<(), Ended> {
        if self.steps == STEP_LIMIT {
            return Err(Ended::StepLimit);
        }
        self.steps += 1;
        Ok(())
    }
}
