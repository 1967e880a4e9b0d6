//! The messages of one trajectory, in the order of a chat: whose words they are, and which call a result answers. Not
//! concerned with how a line is written.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::message::{Decision, Shown, decision, shown};
use super::parts::{given_back, text_part};
use super::unfit::Unfit;
use crate::recorded::{Recorded, Seen, Speaker};

const USER: &str = "user";
const SYSTEM: &str = "system";
const TOOL: &str = "tool";

/// What an import puts around recorded reasoning, in front of what was said.
const THOUGHT_START: &str = "<think>\n";
const THOUGHT_END: &str = "\n</think>\n";

/// A message.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u8>,
}

/// What a message says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Value>),
}

#[derive(Debug, Serialize)]
struct ToolCall<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: String,
}

/// A call that is waiting for its result.
struct Pending<'r> {
    /// Its id, as it was recorded.
    recorded: Option<&'r str>,
    /// Its id in the export.
    id: String,
    is_answered: bool,
}

/// A turn as the columns have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnColumns<'a> {
    pub(super) observation: &'a str,
    pub(super) action: &'a str,
    pub(super) tool_name: Option<&'a str>,
    pub(super) tool_arguments: Option<&'a str>,
    /// Whether its calls got a result; `None` if nobody knows.
    pub(super) answered: Option<bool>,
    pub(super) weight: Option<u8>,
}

/// The messages of a trajectory.
#[derive(Debug)]
pub(super) struct Chat<'a> {
    pub(super) messages: Vec<Message<'a>>,
    /// What was shown last, where its text does not say all of it.
    pub(super) last: Vec<Message<'a>>,
    /// What is wrong with it.
    pub(super) unfit: Unfit,
}

/// Makes the messages of a trajectory, turn by turn.
pub(super) struct Messages<'a, 'r> {
    recorded: &'r Recorded<'a>,
    messages: Vec<Message<'a>>,
    turns: usize,
    /// The calls of the last turn.
    pending: Vec<Pending<'r>>,
    /// Those before this one have results.
    open_from: usize,
    /// Whether they were answered, as the column has it.
    answered: Option<bool>,
    unfit: Unfit,
}

impl<'a, 'r> Messages<'a, 'r> {
    /// The beginning of a chat.
    pub(super) fn new(recorded: &'r Recorded<'a>, prompt: &'a str) -> Self {
        let (pending, unfit) = (Vec::new(), Unfit::default());
        let mut made = Self { recorded, messages: Vec::new(), turns: 0, pending, open_from: 0, answered: None, unfit };
        for seen in recorded.prompt(prompt).unwrap_or_default() {
            let content = made.content(&seen);
            made.messages.push(Message::of(SYSTEM, content));
        }
        // In one message, unless that would lose what is more than words.
        if !made.messages.iter().any(Message::has_media) {
            made.messages.clear();
            if !prompt.is_empty() {
                made.messages.push(Message::of(SYSTEM, Content::Text(prompt)));
            }
        }
        made
    }

    /// A turn: what the agent was shown, and what it did.
    pub(super) fn turn(&mut self, turn: TurnColumns<'a>) {
        let shown = self.show(self.recorded.observed(self.turns, turn.observation), turn.observation);
        self.messages.extend(shown);
        if self.pending.iter().any(|call| !call.is_answered) {
            self.unfit.with_unanswered_calls = 1;
        }
        let Decision { content, calls } = decision(turn.action, turn.tool_name, turn.tool_arguments);
        let ids = self.recorded.calls(self.turns, calls.len());
        let distinct: HashSet<&str> = ids.iter().copied().flatten().collect();
        // Ids hold where each call has one of its own.
        let hold = distinct.len() == calls.len();
        let id = |(number, recorded): (usize, Option<&'r str>)| Pending {
            recorded,
            id: match recorded.filter(|_| hold) {
                Some(id) => id.to_owned(),
                None => format!("call_{}_{number}", self.turns),
            },
            is_answered: false,
        };
        self.pending = ids.into_iter().enumerate().map(id).collect();
        let tool_calls = calls.into_iter().zip(&self.pending).map(|(call, pending)| ToolCall {
            id: pending.id.clone(),
            kind: "function",
            function: Function { name: call.name, arguments: call.arguments.into_owned() },
        });
        let tool_calls = tool_calls.collect();
        let content = content.map(|content| self.said(content));
        let message = Message { role: "assistant", tool_call_id: None, content, tool_calls, weight: turn.weight };
        self.unfit.with_media_of_others |= u64::from(message.has_media());
        self.messages.push(message);
        self.open_from = 0;
        self.answered = turn.answered;
        self.turns += 1;
    }

    /// What an agent said, with the parts that it came in. Reasoning that an import put in front of it was none of
    /// them.
    fn said(&mut self, content: &'a str) -> Content<'a> {
        let Some(recorded) = self.recorded.content(self.turns) else { return Content::Text(content) };
        let thoughts = content.starts_with(THOUGHT_START).then(|| content.match_indices(THOUGHT_END));
        let behind = thoughts.into_iter().flatten().map(|(at, mark)| at + mark.len());
        for start in std::iter::once(0).chain(behind) {
            let (thought, words) = content.split_at(start);
            let given = given_back(recorded, words);
            self.unfit.lost_media += given.lost;
            if let Some(mut parts) = given.parts {
                if !thought.is_empty() {
                    parts.insert(0, text_part(thought));
                }
                return Content::Parts(parts);
            }
        }
        Content::Text(content)
    }

    /// The end of the chat.
    pub(super) fn finish(mut self, final_observation: &'a str) -> Chat<'a> {
        self.unfit.without_turns = u64::from(self.turns == 0);
        let unfit = self.unfit;
        let seen = self.recorded.last_observed(self.turns, final_observation);
        let last = self.show(seen, final_observation);
        let tells_all = !last.iter().any(|message| message.has_media() || !matches!(message.role, USER | TOOL));
        // The text alone would be taken for the result of all calls.
        let is_result = match (self.pending.is_empty(), self.answered) {
            (true, _) | (_, None) => true,
            (_, Some(false)) => last.is_empty(),
            (_, Some(true)) => {
                last.len() == 1 && !final_observation.is_empty() && self.pending.iter().all(|call| call.is_answered)
            }
        };
        let is_told = tells_all && is_result;
        let mut unfit = if is_told { Unfit { lost_media: self.unfit.lost_media, ..unfit } } else { self.unfit };
        unfit.ending_in_calls = u64::from(!self.pending.is_empty() && self.answered == Some(false));
        Chat { messages: self.messages, last: if is_told { Vec::new() } else { last }, unfit }
    }

    /// The messages of an observation. `seen`: what is recorded of them; else the text tells, as far as it can.
    fn show(&mut self, seen: Option<Vec<Seen<'a, 'r>>>, observation: &'a str) -> Vec<Message<'a>> {
        let seen = seen.unwrap_or_else(|| {
            let calls = if self.answered == Some(false) { 0 } else { self.pending.len() };
            let seen = |shown: Shown<'a>| {
                let (speaker, text) = match shown {
                    Shown::Text(text) => (Speaker::User, text),
                    Shown::Result(text) => (Speaker::Tool, text),
                };
                Seen { speaker, text, spelled: text, id: None, parts: None }
            };
            shown(observation, calls).into_iter().map(seen).collect()
        });
        let named: HashSet<&str> = seen.iter().filter_map(|seen| seen.id).collect();
        let mut messages = Vec::with_capacity(seen.len());
        for seen in &seen {
            // Behind a prompt, or at the very beginning, another message of the system would belong to it.
            let begun = self.messages.iter().chain(&messages).any(|message| message.role != SYSTEM);
            let call = match seen.speaker {
                Speaker::Tool => self.answer(seen.id, &named),
                _ => None,
            };
            let role = match seen.speaker {
                Speaker::Tool if call.is_some() => TOOL,
                Speaker::System if begun => SYSTEM,
                Speaker::Developer if begun => "developer",
                _ => USER,
            };
            let content = match (seen.speaker, &call) {
                (Speaker::Tool, None) => {
                    self.unfit.with_stray_results = 1;
                    self.stray(seen)
                }
                _ => self.content(seen),
            };
            let message = Message { tool_call_id: call, ..Message::of(role, content) };
            self.unfit.with_media_of_others |= u64::from(role != USER && message.has_media());
            messages.push(message);
        }
        messages
    }

    /// The call that a result answers: that of its id, or one where either has none, but rather not one that another of
    /// the results names. `named`: the ids of all of them.
    fn answer(&mut self, id: Option<&str>, named: &HashSet<&str>) -> Option<String> {
        if self.answered == Some(false) {
            return None;
        }
        let answered = self.pending.iter().skip(self.open_from).take_while(|call| call.is_answered);
        self.open_from += answered.count();
        let find = |is_it: &dyn Fn(&Pending<'r>) -> bool| {
            let open = self.pending.iter().enumerate().skip(self.open_from);
            let mut open = open.filter(|(_, call)| !call.is_answered);
            open.find(|(_, call)| is_it(call)).map(|(index, _)| index)
        };
        let index = match id {
            Some(_) => find(&|call| call.recorded == id).or_else(|| find(&|call| call.recorded.is_none())),
            None => find(&|call| call.recorded.is_none())
                .or_else(|| find(&|call| call.recorded.is_none_or(|own| !named.contains(own))))
                .or_else(|| find(&|_| true)),
        };
        let call = self.pending.get_mut(index?)?;
        call.is_answered = true;
        Some(call.id.clone())
    }

    fn content(&mut self, seen: &Seen<'a, '_>) -> Content<'a> {
        let given = seen.parts.map(|parts| given_back(parts, seen.text)).unwrap_or_default();
        self.unfit.lost_media += given.lost;
        given.parts.map_or(Content::Text(seen.text), Content::Parts)
    }

    /// A result that no call asks for: with its tags, so that the observation stays what it was.
    fn stray(&mut self, seen: &Seen<'a, '_>) -> Content<'a> {
        match self.content(seen) {
            Content::Text(_) => Content::Text(seen.spelled),
            Content::Parts(mut parts) => {
                if let Some((before, after)) =
                    seen.spelled.split_once(seen.text).filter(|(before, _)| !before.is_empty())
                {
                    parts.insert(0, text_part(before));
                    parts.push(text_part(after));
                }
                Content::Parts(parts)
            }
        }
    }
}

impl<'a> Message<'a> {
    fn of(role: &'static str, content: Content<'a>) -> Self {
        Self { role, tool_call_id: None, content: Some(content), tool_calls: Vec::new(), weight: None }
    }

    fn has_media(&self) -> bool {
        matches!(self.content, Some(Content::Parts(_)))
    }
}
