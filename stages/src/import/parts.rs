//! Parts of a message's content: what each says, and what it is besides words. Not concerned with whole messages.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::extra::json_list;
use super::json::{Fault, Fields, compact, expected, list, text};
use super::seen::Seen;

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Words, which may be none.
    Text(Cow<'a, str>),
    /// What the agent thought; empty where only its provider can read it.
    Reasoning(String),
    /// What text cannot hold.
    Medium(Medium),
    /// A call, or the result of one.
    Call(Cow<'a, str>),
    /// Anything else, by its type.
    Unknown(Cow<'a, str>),
}

/// What text cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Medium {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A video.
    Video,
    /// Any other file.
    File,
}

impl Medium {
    /// All of them, in the order of warnings.
    pub(super) const ALL: [Self; 4] = [Self::Image, Self::Audio, Self::Video, Self::File];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "file",
        }
    }

    /// What stands in the text for it.
    pub(crate) fn placeholder(self) -> &'static str {
        match self {
            Self::Image => "[image]",
            Self::Audio => "[audio]",
            Self::Video => "[video]",
            Self::File => "[file]",
        }
    }
}

/// Types whose `text` is what they say, whatever stands beside it.
const TEXTS: [&str; 3] = ["text", "input_text", "output_text"];

/// Types that hold what an agent thought.
const REASONING: [&str; 8] = [
    "thinking",
    "redacted_thinking",
    "reasoning",
    "redacted_reasoning",
    "reasoning_text",
    "reasoning_content",
    "summary_text",
    "thought",
];

/// Types of media, and the fields that hold or name the contents: one of them must be there, where any is given.
const MEDIA: [(&str, Medium, &[&str]); 16] = [
    ("image_url", Medium::Image, &["image_url"]),
    ("input_image", Medium::Image, &["image_url", "file_id"]),
    ("image_file", Medium::Image, &["image_file"]),
    ("image", Medium::Image, &[]),
    ("input_audio", Medium::Audio, &["input_audio"]),
    ("audio_url", Medium::Audio, &["audio_url"]),
    ("output_audio", Medium::Audio, &[]),
    ("audio", Medium::Audio, &[]),
    ("video_url", Medium::Video, &["video_url"]),
    ("input_video", Medium::Video, &[]),
    ("video", Medium::Video, &[]),
    ("document_url", Medium::File, &["document_url"]),
    ("document", Medium::File, &[]),
    ("input_file", Medium::File, &[]),
    ("container_upload", Medium::File, &[]),
    ("file", Medium::File, &[]),
];

/// Items of OpenAI's Responses API that are no messages.
const RESPONSES_ITEMS: [&str; 6] = [
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "computer_call",
    "item_reference",
];

/// What to do about them.
pub(super) const TURN_INTO_MESSAGES: &str =
    "turn the items into chat messages: calls into `tool_calls`, their outputs into messages of the role `tool`";

/// Fields beside a `text` that change nothing about what is said.
const DECORATIONS: [&str; 15] = [
    "annotations",
    "cache_control",
    "citations",
    "extras",
    "id",
    "index",
    "logprobs",
    "metadata",
    "provider_metadata",
    "provider_options",
    "providerMetadata",
    "providerOptions",
    "signature",
    "status",
    "thoughtSignature",
];

/// Reasoning may be nested so deep: a list of blocks that hold lists of texts is the deepest that is known.
const MOST_LEVELS: usize = 16;

/// A type may be long: messages show so many characters of it.
const SHOWN_CHARACTERS: usize = 60;

impl<'a> Part<'a> {
    /// Reads an element of a list of parts, for those who need not know what is wrong with it.
    pub(crate) fn look(value: &'a RawValue) -> Option<Self> {
        Self::read(value).ok()
    }

    /// The type of a part, if it is an object that has one.
    pub(super) fn kind(value: &'a RawValue) -> Option<Cow<'a, str>> {
        text(Fields::of(value).ok()?.get("type")?).ok()
    }

    /// Reads an element of a list of parts.
    pub(super) fn read(value: &'a RawValue) -> Result<Self, Fault> {
        match value.get().as_bytes().first() {
            Some(b'"') => return text(value).map(Self::Text),
            // A list that was a table's column once has nothing there.
            Some(b'n') => return Ok(Self::Text(Cow::Borrowed(""))),
            _ => {}
        }
        let mut fields = Fields::of(value)?;
        let kind = fields.get("type").map(text).transpose().map_err(|fault| fault.within("type"))?;
        let Some(kind) = kind else {
            return Ok(match only_text(&fields)? {
                Some(part) => part,
                None => Self::Unknown(fields.rest().next().map_or(Cow::Borrowed("part"), |(key, _)| key)),
            });
        };
        let is_thought = fields.get("thought").is_some_and(|thought| thought.get() == "true");
        match kind.as_ref() {
            name if TEXTS.contains(&name) => {
                let said = fields.require("text", said)?;
                Ok(if is_thought { Self::Reasoning(said.into_owned()) } else { Self::Text(said) })
            }
            "refusal" => fields.require("refusal", text).map(Self::Text),
            name if REASONING.contains(&name) || name.starts_with("reasoning.") => {
                let mut thought = String::new();
                append_reasoning_of(&fields, &mut thought, 0)?;
                Ok(Self::Reasoning(thought))
            }
            name if is_call(name) => Ok(Self::Call(kind)),
            name => match MEDIA.iter().find(|(known, ..)| *known == name) {
                Some((_, medium, holders)) => medium_of(*medium, holders, &fields).map(Self::Medium),
                None => Ok(only_text(&fields)?.unwrap_or(Self::Unknown(kind))),
            },
        }
    }
}

/// Whether this is the type of a call or a result.
fn is_call(name: &str) -> bool {
    name.ends_with("tool_use") || name.ends_with("tool_result") || RESPONSES_ITEMS.contains(&name)
}

/// What to say of a call or result that stands where chat messages have none.
pub(super) fn misplaced(name: &str) -> Fault {
    let shown = shown(name);
    match RESPONSES_ITEMS.contains(&name) {
        true => responses_item(name),
        false => Fault::new(format!("`{shown}` is a block of Anthropic's messages, which are a format of their own"))
            .help("import these files with `format: anthropic`"),
    }
}

/// What to say of an item of the Responses API.
fn responses_item(name: &str) -> Fault {
    Fault::new(format!("`{}` is an item of OpenAI's Responses API, which `import` does not read", shown(name)))
        .help(TURN_INTO_MESSAGES)
}

/// What is wrong with an element of a list of messages, if it is no message: an item of the Responses API.
pub(super) fn not_a_message(message: &Fields<'_>) -> Option<Fault> {
    let kind = text(message.get("type")?).ok()?;
    let is_item = RESPONSES_ITEMS.contains(&kind.as_ref())
        || kind.ends_with("_call")
        || kind.ends_with("_call_output")
        || (kind == "reasoning" && message.get("role").is_none());
    is_item.then(|| responses_item(&kind))
}

/// A part whose meaning is its text: it has one, and nothing else that could mean something.
fn only_text<'a>(fields: &Fields<'a>) -> Result<Option<Part<'a>>, Fault> {
    let Some(words) = fields.get("text").filter(|words| words.get().starts_with('"')) else { return Ok(None) };
    let is_thought = fields.get("thought").map(RawValue::get);
    let known = |name: &str| matches!(name, "type" | "text" | "thought") || DECORATIONS.contains(&name);
    if !fields.names().all(known) || is_thought.is_some_and(|thought| !matches!(thought, "true" | "false")) {
        return Ok(None);
    }
    let words = text(words).map_err(|fault| fault.within("text"))?;
    Ok(Some(match is_thought {
        Some("true") => Part::Reasoning(words.into_owned()),
        _ => Part::Text(words),
    }))
}

/// What a part of text says. The Assistants API has an object there, with the text as its `value`.
fn said(value: &RawValue) -> Result<Cow<'_, str>, Fault> {
    match value.get().starts_with('{') {
        true => Fields::of(value)?.require("value", text),
        false => text(value),
    }
}

fn medium_of(medium: Medium, holders: &[&str], fields: &Fields<'_>) -> Result<Medium, Fault> {
    let held = holders.iter().find_map(|name| Some((*name, fields.get(name)?)));
    match (held, holders.first()) {
        (None, Some(name)) => Err(Fault::new("is missing or null").within(name)),
        (Some((name, value)), _) => held_by(name, value).map(|()| medium).map_err(|fault| fault.within(name)),
        (None, None) => Ok(medium),
    }
}

/// Checks what holds or names the contents of a medium: a text, or an object, which for addresses has a `url`.
fn held_by(name: &str, value: &RawValue) -> Result<(), Fault> {
    match value.get().as_bytes().first() {
        Some(b'"') => Ok(()),
        Some(b'{') if name.ends_with("_url") => Fields::of(value)?.require("url", text).map(|_| ()),
        Some(b'{') => Ok(()),
        _ => Err(expected(value, "text or an object")),
    }
}

/// Appends what an agent thought: a text, blocks, or lists of these. What cannot be read (a signature, an encrypted
/// block) adds nothing.
pub(super) fn append_reasoning(value: &RawValue, into: &mut String) -> Result<(), Fault> {
    append_level(value, into, 0)
}

fn append_level(value: &RawValue, into: &mut String, level: usize) -> Result<(), Fault> {
    if level == MOST_LEVELS {
        return Err(Fault::new(format!("reasoning is nested more than {MOST_LEVELS} levels deep")));
    }
    match value.get().as_bytes().first() {
        Some(b'"') => into.push_str(&text(value)?),
        Some(b'n') => {}
        Some(b'{') => append_reasoning_of(&Fields::of(value)?, into, level)?,
        Some(b'[') => {
            for (index, element) in list(value)?.into_iter().enumerate() {
                let mut thought = String::new();
                append_level(element, &mut thought, level + 1).map_err(|fault| fault.at_index(index))?;
                // Blocks stand on lines of their own; the texts that one block comes in do not.
                if !into.is_empty() && !thought.is_empty() && is_block(element) {
                    into.push('\n');
                }
                into.push_str(&thought);
            }
        }
        _ => return Err(expected(value, "text, a list or an object")),
    }
    Ok(())
}

fn is_block(element: &RawValue) -> bool {
    Part::kind(element).is_some_and(|kind| !TEXTS.contains(&kind.as_ref()))
}

fn append_reasoning_of(fields: &Fields<'_>, into: &mut String, level: usize) -> Result<(), Fault> {
    for name in ["thinking", "reasoning", "text", "content", "summary"] {
        // A list of contents may be empty where the summary is not.
        if let Some(value) = fields.get(name).filter(|value| value.get() != "[]") {
            return append_level(value, into, level + 1).map_err(|fault| fault.within(name));
        }
    }
    match fields.names().any(|name| name != "type" && name != "index" && name != "format") {
        true => Ok(()),
        false => Err(Fault::new("holds no reasoning")),
    }
}

/// What a message says.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    /// Its words; `None` if the record has null or nothing.
    pub(super) text: Option<Cow<'a, str>>,
    /// JSON text of the recorded parts, if it came as parts.
    pub(super) parts: Option<String>,
    /// What the agent thought, if that is among the parts.
    pub(super) reasoning: String,
}

/// Reads contents.
#[derive(Debug, Default)]
pub(super) struct PartReader {
    /// Parts of unknown types become placeholders.
    pub(super) allow_unknown: bool,
    /// Ids of the calls that stand beside the content: some programs repeat them as blocks.
    pub(super) calls: Vec<String>,
    /// What was seen so far.
    pub(super) seen: Seen,
}

impl PartReader {
    /// Reads `content`: a text, a part, or a list of parts, whose texts are joined without anything between.
    pub(super) fn content<'a>(&mut self, value: &'a RawValue) -> Result<Content<'a>, Fault> {
        match value.get().as_bytes().first() {
            Some(b'"') => Ok(Content { text: Some(text(value)?), ..Content::default() }),
            Some(b'[') => self.parts(list(value)?.into_iter().enumerate()),
            // An object that could be anything is no part: it may be a result that nobody made a text of.
            Some(b'{') if Part::kind(value).is_none() && only_text(&Fields::of(value)?)?.is_none() => {
                Err(expected(value, "text or a list of parts"))
            }
            Some(b'{') => {
                let mut content = Content { text: Some(Cow::Borrowed("")), ..Content::default() };
                self.part(value, &mut content)?;
                content.parts = Some(compact(value)?);
                Ok(content)
            }
            _ => Err(expected(value, "text or a list of parts")),
        }
    }

    /// Reads parts, of which each comes with its index in the list.
    pub(super) fn parts<'a>(
        &mut self,
        parts: impl Iterator<Item = (usize, &'a RawValue)>,
    ) -> Result<Content<'a>, Fault> {
        let mut content = Content { text: Some(Cow::Borrowed("")), ..Content::default() };
        let mut kept = Vec::new();
        for (index, part) in parts {
            self.part(part, &mut content).map_err(|fault| fault.at_index(index))?;
            kept.push(part);
        }
        // The usual single part says no more than its text; any other list is kept whole, so that it can be had back.
        let plain = if let [part] = kept.as_slice() { plain_type(part) } else { None };
        content.parts = Some(match plain {
            Some(kind) => format!("[{{\"type\":\"{kind}\"}}]"),
            None => json_list(kept.into_iter().map(compact).collect::<Result<Vec<_>, _>>()?),
        });
        Ok(content)
    }

    /// Whether a call stands beside the content as well.
    fn repeats_call(&self, part: &RawValue) -> bool {
        let id = Fields::of(part).ok().and_then(|fields| text(fields.get("id")?).ok());
        id.is_some_and(|id| self.calls.iter().any(|call| *call == id))
    }

    fn part<'a>(&mut self, part: &'a RawValue, content: &mut Content<'a>) -> Result<(), Fault> {
        let said = match Part::read(part)? {
            Part::Text(said) => said,
            Part::Reasoning(thought) => {
                if !content.reasoning.is_empty() && !thought.is_empty() {
                    content.reasoning.push('\n');
                }
                content.reasoning.push_str(&thought);
                return Ok(());
            }
            Part::Medium(medium) => {
                *self.seen.media.entry(medium).or_default() += 1;
                Cow::Borrowed(medium.placeholder())
            }
            Part::Call(_) if self.repeats_call(part) => return Ok(()),
            Part::Call(kind) => return Err(misplaced(&kind)),
            Part::Unknown(kind) if self.allow_unknown => {
                let placeholder = Cow::Owned(format!("[{kind}]"));
                *self.seen.unknown.entry(shown(&kind)).or_default() += 1;
                placeholder
            }
            Part::Unknown(kind) => {
                return Err(Fault::new(format!("`{}` is not a type of part that `import` knows", shown(&kind)))
                    .help("`unknown_parts: placeholder` puts its type in place of it, and keeps it in `extra`"));
            }
        };
        match &mut content.text {
            Some(text) if !text.is_empty() => text.to_mut().push_str(&said),
            text => *text = Some(said),
        }
        Ok(())
    }
}

/// The type of a part of text that has nothing else beside its text.
fn plain_type(part: &RawValue) -> Option<&'static str> {
    let fields = Fields::of(part).ok()?;
    let kind = text(fields.get("type")?).ok()?;
    let is_plain = fields.names().all(|name| matches!(name, "type" | "text"));
    let is_text = fields.get("text").is_some_and(|said| said.get().starts_with('"'));
    TEXTS.into_iter().find(|name| *name == kind && is_plain && is_text)
}

/// A type as messages show it.
fn shown(kind: &str) -> String {
    kind.chars().take(SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use sternlight_engine::metrics::Metrics;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    /// Text, reasoning and kept parts of a content.
    fn read(content: &str) -> (String, String, String) {
        let content = raw(content);
        let content = PartReader::default().content(&content).unwrap();
        (content.text.unwrap_or_default().into_owned(), content.reasoning, content.parts.unwrap_or_default())
    }

    fn fault(content: &str) -> String {
        let content = raw(content);
        let fault = PartReader::default().content(&content).unwrap_err();
        fault.help.iter().fold(fault.to_string(), |told, help| format!("{told}; {help}"))
    }

    #[test]
    fn a_part_whose_meaning_is_its_text_gives_its_text() {
        for part in [
            r#"{"type": "text", "text": "hi"}"#,
            r#"{"type": "text", "text": {"value": "hi", "annotations": []}}"#,
            r#"{"type": "text", "text": "hi", "image_url": null, "colour": "red"}"#,
            r#"{"type": "input_text", "text": "hi"}"#,
            r#"{"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}"#,
            r#"{"type": "markdown", "text": "hi", "id": "7"}"#,
            r#"{"text": "hi"}"#,
            r#"{"type": null, "text": "hi", "thought": false}"#,
            r#"{"type": "refusal", "refusal": "hi"}"#,
            r#""hi""#,
        ] {
            assert_eq!(read(&format!("[{part}]")).0, "hi", "{part}");
            assert_eq!(read(&format!("[null, {part}]")).0, "hi", "{part}");
            assert_eq!(read(part).0, "hi", "{part}");
        }
        assert_eq!(read("[]"), (String::new(), String::new(), "[]".to_owned()));
    }

    #[test]
    fn parts_are_kept_and_a_single_text_is_not_kept_twice() {
        assert_eq!(read(r#"[{"type": "input_text", "text": "hi"}]"#).2, r#"[{"type":"input_text"}]"#);
        assert_eq!(
            read(r#"[ {"type": "text", "text": "hi", "id": 1.50} ]"#).2,
            r#"[{"type":"text","text":"hi","id":1.50}]"#
        );
        assert_eq!(read(r#"{"type": "text", "text": "hi"}"#).2, r#"{"type":"text","text":"hi"}"#);
        let several = r#"["see ", {"type":"image_url","image_url":{"url":"u"}}, {"type":"file","file":{}}]"#;
        let (text, _, kept) = read(several);
        assert_eq!((text.as_str(), kept), ("see [image][file]", several.replace(", ", ",")));
    }

    #[test]
    fn thoughts_are_not_words() {
        let thought = |part: &str| {
            let (text, thought, kept) = read(&format!(r#"["a", {part}, "b"]"#));
            assert_eq!((text.as_str(), kept.contains(part)), ("ab", true), "{part}");
            thought
        };
        for part in [
            r#"{"type":"thinking","thinking":"x y","signature":"s"}"#,
            r#"{"type":"thinking","thinking":[{"type":"text","text":"x "},{"type":"text","text":"y"}]}"#,
            r#"{"type":"reasoning","text":"x y"}"#,
            r#"{"type":"reasoning","reasoning":"x y"}"#,
            r#"{"type":"reasoning","content":[],"summary":[{"type":"summary_text","text":"x y"}]}"#,
            r#"{"type":"reasoning.text","text":"x y","format":"f"}"#,
            r#"{"type":"thought","text":"x y"}"#,
            r#"{"text":"x y","thought":true}"#,
            r#"{"type":"text","text":"x y","thought":true}"#,
        ] {
            assert_eq!(thought(part), "x y", "{part}");
        }
        assert_eq!(thought(r#"{"type":"redacted_thinking","data":"secret"}"#), "");
        assert_eq!(thought(r#"{"type":"thinking","thinking":"","signature":"s"}"#), "");
        let blocks = r#"[{"type": "thinking", "thinking": "x"}, {"type": "thinking", "thinking": "y"}]"#;
        assert_eq!(read(blocks).1, "x\ny");
        let mut reasoning = String::new();
        append_reasoning(&raw(blocks), &mut reasoning).unwrap();
        assert_eq!(reasoning, "x\ny");
    }

    #[test]
    fn media_are_counted() {
        let content = raw(
            r#"[{"type": "image_url", "image_url": "u"}, {"type": "image"}, {"type": "input_image", "file_id": "f"},
                {"type": "input_audio", "input_audio": {"data": ""}}, {"type": "video_url", "video_url": {"url": "u"}},
                {"type": "document", "source": {}}, {"type": "input_file", "file_id": "f"}]"#,
        );
        let mut reader = PartReader::default();
        let text = reader.content(&content).unwrap().text.unwrap();
        assert_eq!(text, "[image][image][image][audio][video][file][file]");
        let mut metrics = Metrics::default();
        reader.seen.measure(&mut metrics);
        reader.seen.measure(&mut metrics);
        insta::assert_snapshot!(
            Seen::warnings(&metrics).join("\n"),
            @"pictures, sounds and files stand as placeholders in the texts: `[image]` 6, `[audio]` 2, `[video]` 2, `[file]` 4; the parts are in `extra`, and an export of chats gives them back"
        );
    }

    #[test]
    fn media_beside_contents_are_said() {
        let mut seen = Seen::default();
        for fields in
            [r#"{"images": ["QQ=="]}"#, r#"{"audio": {"id": "a"}}"#, r#"{"images": [], "audio": null, "x": 1}"#]
        {
            let fields = raw(fields);
            seen.look_beside(&Fields::of(&fields).unwrap());
        }
        let mut metrics = Metrics::default();
        seen.measure(&mut metrics);
        insta::assert_snapshot!(
            Seen::warnings(&metrics).join("\n"),
            @"messages or records with pictures, sounds or files in fields of their own: 2; they are in `extra`, and no text or chat shows them"
        );
    }

    #[test]
    fn calls_that_are_repeated_as_blocks_are_no_words() {
        let content = raw(r#"["a", {"type": "tool_use", "id": "1", "name": "f", "input": {}}]"#);
        let mut reader = PartReader { calls: vec!["1".to_owned()], ..PartReader::default() };
        assert_eq!(reader.content(&content).unwrap().text.unwrap(), "a");
        reader.calls.clear();
        assert!(reader.content(&content).is_err());
    }

    #[test]
    fn unknown_parts_are_placeholders_only_if_allowed() {
        let content =
            raw(r#"["a", {"type": "hologram", "text": "b", "depth": 3}, {"toolUse": {}}, {"type": "tool-call"}]"#);
        let mut reader = PartReader { allow_unknown: true, ..PartReader::default() };
        assert_eq!(reader.content(&content).unwrap().text.unwrap(), "a[hologram][toolUse][tool-call]");
        reader.content(&content).unwrap();
        let mut metrics = Metrics::default();
        reader.seen.measure(&mut metrics);
        insta::assert_snapshot!(
            Seen::warnings(&metrics).join("\n"),
            @"parts of unknown types stand as placeholders in the texts: `hologram` 2, `tool-call` 2, `toolUse` 2; the parts are in `extra`"
        );
        let misplaced = raw(r#"[{"type": "tool_use", "name": "f"}]"#);
        assert!(reader.content(&misplaced).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let faults = [
            r#"[{"type": "hologram", "text": "b", "depth": 3}]"#,
            r#"[{"functionCall": {}}]"#,
            r#"["a", {"type": "tool_result", "content": "b"}]"#,
            r#"{"type": "function_call", "name": "f"}"#,
            r#"[{"type": "text", "text": 7}]"#,
            r#"[{"type": "text"}]"#,
            r#"[{"type": 7}]"#,
            r#"[{"type": "image_url"}]"#,
            r#"[{"type": "image_url", "image_url": {}}]"#,
            r#"[{"type": "input_audio", "input_audio": 7}]"#,
            r#"[{"type": "thinking", "thinking": 7}]"#,
            r#"[{"type": "thinking"}]"#,
            r#"[["a"]]"#,
            "7",
            r#"{"temperature": 21}"#,
        ];
        let faults: Vec<String> = faults.into_iter().map(fault).collect();
        insta::assert_snapshot!(faults.join("\n"), @"
        field `[0]`: `hologram` is not a type of part that `import` knows; `unknown_parts: placeholder` puts its type in place of it, and keeps it in `extra`
        field `[0]`: `functionCall` is not a type of part that `import` knows; `unknown_parts: placeholder` puts its type in place of it, and keeps it in `extra`
        field `[1]`: `tool_result` is a block of Anthropic's messages, which are a format of their own; import these files with `format: anthropic`
        `function_call` is an item of OpenAI's Responses API, which `import` does not read; turn the items into chat messages: calls into `tool_calls`, their outputs into messages of the role `tool`
        field `[0].text`: expected text, found a number
        field `[0].text`: is missing or null
        field `[0].type`: expected text, found a number
        field `[0].image_url`: is missing or null
        field `[0].image_url.url`: is missing or null
        field `[0].input_audio`: expected text or an object, found a number
        field `[0].thinking`: expected text, a list or an object, found a number
        field `[0]`: holds no reasoning
        field `[0]`: expected an object, found a list
        expected text or a list of parts, found a number
        expected text or a list of parts, found an object
        ");
        let deep = format!(r#"[{{"type": "thinking", "thinking": {}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(fault(&deep).contains("nested"), "{}", fault(&deep));
    }
}
