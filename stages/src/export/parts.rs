//! From recorded parts of a message to parts as OpenAI's messages have them, where a text alone would lose pictures,
//! sounds or files. Not concerned with which messages these are.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::import::parts::{Medium, Part};

/// What became of parts.
#[derive(Debug, Default)]
pub(super) struct GivenBack {
    /// The parts, if any of them is more than words.
    pub(super) parts: Option<Vec<Value>>,
    /// How many media no message of OpenAI's can hold, so that their placeholders stay.
    pub(super) lost: u64,
}

/// Gives parts back, if they say what the text does: who changed the text did not mean them any more.
pub(super) fn given_back(recorded: &RawValue, text: &str) -> GivenBack {
    let elements: Vec<&RawValue> = match recorded.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(recorded.get()).unwrap_or_default(),
        _ => vec![recorded],
    };
    let (mut parts, mut said, mut media, mut lost) = (Vec::with_capacity(elements.len()), String::new(), 0, 0);
    for element in elements {
        let (words, part) = match Part::look(element) {
            Some(Part::Text(words)) => (words, None),
            Some(Part::Medium(medium)) => {
                let value = serde_json::from_str(element.get()).unwrap_or_default();
                let part = openai_part(medium, value);
                media += u64::from(part.is_some());
                lost += u64::from(part.is_none());
                (medium.placeholder().into(), part)
            }
            Some(Part::Unknown(kind)) => (format!("[{kind}]").into(), None),
            // Thoughts are no part of what was said, and calls stand beside it.
            Some(Part::Reasoning(_) | Part::Call(_)) => continue,
            None => return GivenBack::default(),
        };
        said.push_str(&words);
        if part.is_some() || !words.is_empty() {
            parts.push(part.unwrap_or_else(|| text_part(&words)));
        }
    }
    match said == text {
        true => GivenBack { parts: (media > 0).then_some(parts), lost },
        false => GivenBack::default(),
    }
}

/// A part of text.
pub(super) fn text_part(words: &str) -> Value {
    json!({ "type": "text", "text": words })
}

/// A medium as a part of OpenAI's messages: as it was recorded, or what that means there.
fn openai_part(medium: Medium, recorded: Value) -> Option<Value> {
    let Value::Object(fields) = &recorded else { return Some(recorded) };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    match (medium, kind) {
        (Medium::Image, "image_url" | "input_image") => match fields.get("image_url").filter(|url| !url.is_null())? {
            // The API of responses has the address itself there.
            Value::String(url) => Some(image(url, fields.get("detail"))),
            _ => Some(recorded),
        },
        (Medium::Image, "image_file") | (Medium::File, "container_upload" | "document_url") => None,
        (_, "image" | "document") if fields.contains_key("source") => from_source(medium, fields),
        (Medium::File, "input_file") => {
            let file: Map<String, Value> = ["file_id", "file_data", "filename"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), fields.get(name).filter(|value| !value.is_null())?.clone())))
                .collect();
            let holds = file.contains_key("file_id") || file.contains_key("file_data");
            holds.then(|| json!({ "type": "file", "file": file }))
        }
        (Medium::File, "document") => None,
        _ => Some(recorded),
    }
}

fn image(url: &str, detail: Option<&Value>) -> Value {
    match detail.filter(|detail| !detail.is_null()) {
        Some(detail) => json!({ "type": "image_url", "image_url": { "url": url, "detail": detail } }),
        None => json!({ "type": "image_url", "image_url": { "url": url } }),
    }
}

/// A picture or document of Anthropic's messages.
fn from_source(medium: Medium, fields: &Map<String, Value>) -> Option<Value> {
    let source = fields.get("source")?.as_object()?;
    let text = |name: &str| source.get(name).and_then(Value::as_str);
    let data = || Some(format!("data:{};base64,{}", text("media_type")?, text("data")?));
    match (medium, text("type")?) {
        (Medium::Image, "base64") => Some(image(&data()?, None)),
        (Medium::Image, "url") => Some(image(text("url")?, None)),
        (Medium::File, "base64") => {
            let title = fields.get("title").and_then(Value::as_str).unwrap_or("document");
            Some(json!({ "type": "file", "file": { "filename": title, "file_data": data()? } }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(parts: &Value, text: &str) -> (Option<Value>, u64) {
        let recorded = RawValue::from_string(parts.to_string()).unwrap();
        let given = given_back(&recorded, text);
        (given.parts.map(Value::from), given.lost)
    }

    #[test]
    fn words_alone_are_a_text() {
        let words = json!(["a", {"type": "output_text", "text": "b"}, {"type": "thinking", "thinking": "c"}]);
        assert_eq!(given(&words, "ab"), (None, 0));
        assert_eq!(given(&json!([{"type": "text"}]), "ab"), (None, 0));
        assert_eq!(given(&json!("ab"), "ab"), (None, 0));
    }

    #[test]
    fn media_come_back_between_their_words() {
        let picture = json!({"type": "image_url", "image_url": {"url": "u", "detail": "low"}});
        let thought = json!({"type": "thinking", "thinking": "c"});
        let parts =
            json!(["a", picture, thought, {"type": "hologram"}, {"type": "input_audio", "input_audio": {"data": ""}}]);
        let expected = json!([
            {"type": "text", "text": "a"}, picture, {"type": "text", "text": "[hologram]"},
            {"type": "input_audio", "input_audio": {"data": ""}}
        ]);
        assert_eq!(given(&parts, "a[image][hologram][audio]"), (Some(expected), 0));
        // Somebody changed the text.
        assert_eq!(given(&parts, "a picture"), (None, 0));
    }

    #[test]
    fn parts_of_other_interfaces_become_openais() {
        let of = |part: Value, text: &str| given(&json!([part]), text).0.map(|parts| parts[0].clone());
        let picture = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        assert_eq!(of(json!({"type": "input_image", "image_url": "u", "detail": null}), "[image]"), Some(picture("u")));
        let source = json!({"type": "base64", "media_type": "image/png", "data": "QQ=="});
        let expected = picture("data:image/png;base64,QQ==");
        assert_eq!(of(json!({"type": "image", "source": source, "cache_control": {}}), "[image]"), Some(expected));
        assert_eq!(of(json!({"type": "image", "source": {"type": "url", "url": "u"}}), "[image]"), Some(picture("u")));
        assert_eq!(of(json!({"type": "image"}), "[image]"), Some(json!({"type": "image"})));
        let source = json!({"type": "base64", "media_type": "application/pdf", "data": "QQ=="});
        let expected =
            json!({"type": "file", "file": {"filename": "t", "file_data": "data:application/pdf;base64,QQ=="}});
        assert_eq!(of(json!({"type": "document", "title": "t", "source": source}), "[file]"), Some(expected));
        let expected = json!({"type": "file", "file": {"file_id": "f"}});
        assert_eq!(of(json!({"type": "input_file", "file_id": "f"}), "[file]"), Some(expected));
        for lost in [
            json!({"type": "document", "source": {"type": "text", "data": "x"}}),
            json!({"type": "image", "source": {"type": "file", "file_id": "f"}}),
            json!({"type": "input_file", "file_url": "u"}),
            json!({"type": "input_image", "file_id": "f"}),
        ] {
            let text = if lost["type"] == "input_image" || lost["type"] == "image" { "[image]" } else { "[file]" };
            assert_eq!(given(&json!([lost]), text), (None, 1), "{lost}");
        }
    }
}
