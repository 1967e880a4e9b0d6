//! Whose messages the first records of a file hold: OpenAI's or Anthropic's. Not concerned with files of other formats.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::chat::Dialect;

/// So many records are looked at, and so many bytes: a file whose chats are all of words is not read to its end twice.
const MOST_RECORDS: usize = 256;
const MOST_BYTES: u64 = 4 << 20;

/// Whose messages they are, if the first records tell. What is wrong with records is said by whoever reads them.
pub(super) fn dialect(input: impl Read) -> Option<Dialect> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input.take(MOST_BYTES)));
    let mut evidence = Evidence::default();
    for _ in 0..MOST_RECORDS {
        if Look(Place::File, &mut evidence).deserialize(&mut json).is_err() {
            break;
        }
    }
    evidence.dialect()
}

/// What was seen.
#[derive(Debug, Default)]
struct Evidence {
    /// What one of them writes and the other never does.
    certain: Option<Dialect>,
    /// A field that is usual for Anthropic's, and that others may have.
    has_anthropic_field: bool,
    /// The system's message stands beside the others.
    system_beside: bool,
    /// The system's message stands among the others.
    system_among: bool,
}

impl Evidence {
    fn dialect(&self) -> Option<Dialect> {
        let is_likely = self.has_anthropic_field || (self.system_beside && !self.system_among);
        self.certain.or(is_likely.then_some(Dialect::Anthropic))
    }

    fn role(&mut self, role: &str) {
        match role {
            "tool" | "function" => self.certain = Some(Dialect::OpenAi),
            "system" | "developer" => self.system_among = true,
            _ => {}
        }
    }

    fn part(&mut self, kind: &str) {
        if kind.ends_with("tool_use") || kind.ends_with("tool_result") || kind == "redacted_thinking" {
            self.certain = Some(Dialect::Anthropic);
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A record, or the array of them.
    File,
    Record,
    Messages,
    Message,
    Content,
    Calls,
    System,
    Tools,
    /// The text of a `role`.
    Role,
    /// The text of a part's `type`.
    PartType,
    /// Where a part's contents come from.
    PartSource,
}

impl Place {
    /// What an element of a list is, that stands here.
    fn element(self) -> Option<Self> {
        match self {
            Self::File => Some(Self::Record),
            Self::Messages => Some(Self::Message),
            Self::Content => Some(Self::Content),
            Self::Tools => Some(Self::Tools),
            _ => None,
        }
    }

    /// What a field of an object is, that stands here.
    fn field(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::File | Self::Record, "messages") => Some(Self::Messages),
            (Self::File | Self::Record, "system") => Some(Self::System),
            (Self::File | Self::Record, "tools") => Some(Self::Tools),
            (Self::Message, "role") => Some(Self::Role),
            (Self::Message, "content") => Some(Self::Content),
            (Self::Message, "tool_calls" | "function_call") => Some(Self::Calls),
            (Self::Content, "type") => Some(Self::PartType),
            (Self::Content, "source") => Some(Self::PartSource),
            _ => None,
        }
    }
}

/// Looks at a value for evidence, and stops once that is certain.
struct Look<'a>(Place, &'a mut Evidence);

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self(place, evidence) = self;
        match place {
            Place::System => evidence.system_beside = true,
            Place::Calls => evidence.certain = Some(Dialect::OpenAi),
            _ => {}
        }
        let mut seen = 0;
        loop {
            stop_if_certain(evidence)?;
            let more = match place.element() {
                Some(element) => elements.next_element_seed(Look(element, evidence))?.is_some(),
                None => elements.next_element::<IgnoredAny>()?.is_some(),
            };
            seen += 1;
            if !more {
                return Ok(());
            }
            if place == Place::File && seen == MOST_RECORDS {
                return Err(A::Error::custom("enough was seen"));
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(place, evidence) = self;
        match place {
            Place::Calls => evidence.certain = Some(Dialect::OpenAi),
            Place::PartSource => evidence.has_anthropic_field = true,
            _ => {}
        }
        while let Some(key) = map.next_key::<String>()? {
            let is_anthropic = match place {
                Place::Content => key == "signature",
                Place::Tools => key == "input_schema",
                _ => false,
            };
            evidence.has_anthropic_field |= is_anthropic;
            stop_if_certain(evidence)?;
            match place.field(&key) {
                Some(field) => map.next_value_seed(Look(field, evidence))?,
                None => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        stop_if_certain(evidence)
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let Self(place, evidence) = self;
        match place {
            Place::Role => evidence.role(text),
            Place::PartType => evidence.part(text),
            Place::System => evidence.system_beside = true,
            _ => {}
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// An error is how a visitor stops.
fn stop_if_certain<E: serde::de::Error>(evidence: &Evidence) -> Result<(), E> {
    match evidence.certain {
        Some(_) => Err(E::custom("enough was seen")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(records: &[&str]) -> Option<Dialect> {
        let lines = dialect(records.join("\n").as_bytes());
        assert_eq!(dialect(format!("[{}]", records.join(",")).as_bytes()), lines);
        lines
    }

    const WORDS: &str = r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}"#;

    #[test]
    fn blocks_are_anthropics_and_roles_and_calls_openais() {
        use Dialect::{Anthropic, OpenAi};
        let of = |message: &str| told(&[WORDS, &format!(r#"{{"id": 1, "messages": [{message}], "x": []}}"#)]);
        for block in [
            r#"{"type": "tool_use", "id": "1"}"#,
            r#"{"type": "tool_result"}"#,
            r#"{"type": "server_tool_use"}"#,
            r#"{"type": "web_search_tool_result"}"#,
            r#"{"type": "thinking", "thinking": "", "signature": "s"}"#,
            r#"{"type": "image", "source": {}}"#,
        ] {
            assert_eq!(
                of(&format!(r#"{{"role": "assistant", "content": ["x", {block}]}}"#)),
                Some(Anthropic),
                "{block}"
            );
            assert_eq!(of(&format!(r#"{{"role": "assistant", "content": {block}}}"#)), Some(Anthropic), "{block}");
        }
        for message in [
            r#"{"role": "tool", "content": ""}"#,
            r#"{"role": "assistant", "tool_calls": []}"#,
            r#"{"role": "assistant", "function_call": {}}"#,
        ] {
            assert_eq!(of(message), Some(OpenAi), "{message}");
        }
        for message in [
            r#"{"role": "assistant", "tool_calls": null, "content": [{"type": "thinking", "thinking": []}]}"#,
            r#"{"role": "user", "content": [{"type": "image_url", "source": "camera"}, {"type": "text", "text": "tool_use"}]}"#,
        ] {
            assert_eq!(of(message), None, "{message}");
        }
    }

    #[test]
    fn fields_beside_the_messages_tell_where_nothing_else_does() {
        use Dialect::{Anthropic, OpenAi};
        let messages = r#""messages": [{"role": "user", "content": "hi"}]"#;
        let among = r#""messages": [{"role": "system", "content": "s"}]"#;
        assert_eq!(told(&[&format!(r#"{{"system": "s", {messages}}}"#)]), Some(Anthropic));
        assert_eq!(
            told(&[&format!(r#"{{{messages}, "system": [{{"type": "text", "text": "s"}}]}}"#)]),
            Some(Anthropic)
        );
        assert_eq!(told(&[&format!(r#"{{"system": null, {messages}}}"#)]), None);
        assert_eq!(told(&[&format!(r#"{{"system": "s", {among}}}"#)]), None);
        assert_eq!(
            told(&[&format!(r#"{{"tools": [{{"name": "f", "input_schema": {{}}}}], {messages}}}"#)]),
            Some(Anthropic)
        );
        let tool = r#"{"system": "s", "messages": [{"role": "tool", "content": ""}]}"#;
        assert_eq!(told(&[&format!(r#"{{"system": "s", {messages}}}"#), tool]), Some(OpenAi));
    }

    #[test]
    fn only_the_first_records_are_looked_at() {
        let late = r#"{"messages": [{"role": "tool"}]}"#;
        let records = |words: usize| [vec![WORDS; words], vec![late]].concat();
        assert_eq!(told(&records(MOST_RECORDS - 1)), Some(Dialect::OpenAi));
        assert_eq!(told(&records(MOST_RECORDS)), None);
        assert_eq!(dialect(format!("{WORDS}\nbroken").as_bytes()), None);
    }
}
