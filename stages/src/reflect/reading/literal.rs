//! Python's way of printing lists and dictionaries, as JSON: `{'ok': False, 'rows': None}` is as good an envelope as
//! one that was written in JSON. Not a parser of Python: what it does not know, it leaves.

/// The same value as JSON; `None` for text that holds anything but strings, numbers, constants and brackets.
pub(super) fn to_json(text: &str) -> Option<String> {
    let mut json = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' | '"' => string(&rest[1..], first, &mut json)?,
            '(' | '[' => open(&mut json, '[', rest),
            ')' | ']' => close(&mut json, ']', rest),
            '}' => close(&mut json, '}', rest),
            '{' | ',' | ':' => open(&mut json, first, rest),
            _ if first.is_whitespace() => &rest[first.len_utf8()..],
            _ => word(rest, &mut json)?,
        };
    }
    Some(json)
}

/// `ToolResult(success=False, output=None)`, what Python prints of a result that is an object, as JSON.
pub(super) fn record(text: &str) -> Option<String> {
    const KINDS: [&str; 6] = ["Result", "Response", "Output", "Observation", "Process", "Return"];
    let (name, fields) = text.strip_suffix(')')?.split_once('(')?;
    let is_name = name.len() < 60 && name.chars().all(|sign| sign.is_ascii_alphanumeric() || "_.".contains(sign));
    if !is_name || !KINDS.iter().any(|kind| name.ends_with(kind)) {
        return None;
    }
    Some(format!("{{{}}}", to_json(fields)?))
}

fn open<'a>(json: &mut String, sign: char, rest: &'a str) -> &'a str {
    json.push(sign);
    &rest[1..]
}

/// A tuple of one has a comma before its end.
fn close<'a>(json: &mut String, sign: char, rest: &'a str) -> &'a str {
    if json.ends_with(',') {
        json.pop();
    }
    open(json, sign, rest)
}

fn word<'a>(rest: &'a str, json: &mut String) -> Option<&'a str> {
    let end = rest.find(|sign: char| !(sign.is_ascii_alphanumeric() || "+-._".contains(sign))).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    // The name of a field of an object.
    if let Some(value) = after.strip_prefix('=').filter(|_| !word.is_empty()) {
        json.extend(["\"", word, "\":"]);
        return Some(value);
    }
    json.push_str(match word {
        "None" => "null",
        "True" => "true",
        "False" => "false",
        _ if word.parse::<f64>().is_ok_and(f64::is_finite) => word,
        _ => return None,
    });
    Some(after)
}

/// A string whose opening quote was read; what follows its closing one.
fn string<'a>(rest: &'a str, quote: char, json: &mut String) -> Option<&'a str> {
    json.push('"');
    let mut signs = rest.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => match signs.next()?.1 {
                '\'' => json.push('\''),
                'x' => {
                    json.push_str("\\u00");
                    json.extend([signs.next()?.1, signs.next()?.1]);
                }
                escaped => json.extend(['\\', escaped]),
            },
            _ if sign == quote => {
                json.push('"');
                return Some(&rest[at + 1..]);
            }
            '"' => json.push_str("\\\""),
            '\n' => json.push_str("\\n"),
            _ => json.push(sign),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_prints_is_read_as_json() {
        for (python, json) in [
            ("{'a': None, 'b': [True, False]}", r#"{"a":null,"b":[true,false]}"#),
            (r#"{'it': "it's", "say": 'a "b"'}"#, r#"{"it":"it's","say":"a \"b\""}"#),
            ("[(41,)]", "[[41]]"),
            (r"{'c': '\x41\n\''}", r#"{"c":"\u0041\n'"}"#),
            ("{'n': -1.5e3}", r#"{"n":-1.5e3}"#),
        ] {
            let made = to_json(python).unwrap();
            assert_eq!(made, json);
            assert!(serde_json::from_str::<serde_json::Value>(&made).is_ok(), "{made}");
        }
        assert_eq!(
            record("ToolResult(ok=False, rows=[('a', 1)], why='no (x=1)')").unwrap(),
            r#"{"ok":false,"rows":[["a",1]],"why":"no (x=1)"}"#
        );
        assert_eq!(record("KeyError('a')"), None);
        for other in ["{'a': datetime(2031, 1, 1)}", "{'a", "<x>"] {
            assert_eq!(to_json(other), None, "{other}");
        }
    }
}
