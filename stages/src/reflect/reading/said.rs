//! What an envelope says is wrong: as it is spelled, and its strings for those who judge its words.

use serde_json::Value;

/// An error as an envelope words it.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// As it is spelled in the record.
    pub(super) quote: String,
    /// Its strings and their keys, a line each.
    pub(super) message: String,
}

/// An error as it is spelled, with its strings for those who judge its words.
pub(super) fn said(whole: &str, value: &str) -> Said {
    let mut message = String::new();
    for json in [value, whole] {
        if let Ok(value) = serde_json::from_str(json) {
            flatten(None, &value, &mut message);
        }
        if value == whole {
            break;
        }
    }
    let quote = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(value);
    Said { quote: quote.to_owned(), message }
}

fn flatten(key: Option<&str>, value: &Value, lines: &mut String) {
    /// More words than this are no message.
    const ENOUGH: usize = 4_000;
    if lines.len() > ENOUGH {
        return;
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(Some(key), value, lines)),
        Value::Array(items) => items.iter().for_each(|value| flatten(key, value, lines)),
        Value::String(text) => line(key, text, lines),
        Value::Number(number) => line(key, &number.to_string(), lines),
        Value::Bool(_) | Value::Null => {}
    }
}

fn line(key: Option<&str>, text: &str, lines: &mut String) {
    let worded = matches!(key, None | Some("message" | "error" | "msg" | "detail" | "reason" | "text"));
    if let Some(key) = key.filter(|_| !worded) {
        lines.push_str(key);
        lines.push_str(": ");
    }
    lines.push_str(text);
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_lines_and_some_keys_stand_before_them() {
        let json = r#"{"code": "E1", "message": "no lid", "at": [{"field": "lid"}]}"#;
        assert_eq!(said(json, json).message, "code: E1\nno lid\nfield: lid\n");
        assert_eq!(said(r#"{"error": "no"}"#, r#""no""#).quote, "no");
    }
}
