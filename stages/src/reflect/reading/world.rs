//! Worlds of text: what was tried there, and whether an answer tells of the player or of the things that are there.

use serde_json::Value;

use super::read::Answer;

/// Verbs that change nothing: their answers describe.
const LOOKING: [&str; 15] = [
    "look",
    "l",
    "examine",
    "x",
    "read",
    "inspect",
    "search",
    "listen",
    "smell",
    "inventory",
    "i",
    "check",
    "describe",
    "ask",
    "talk",
];

/// Whether the action of a call only looks at something.
pub(super) fn looks(answer: &Answer<'_, '_>) -> bool {
    let first = match answer.arguments.json() {
        Some(Value::Object(arguments)) => arguments.values().find_map(Value::as_str),
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let verb = first.and_then(|action| action.split_whitespace().next()).map(str::to_lowercase);
    verb.is_some_and(|verb| LOOKING.contains(&verb.as_str()))
}

/// Whether a line speaks to the player, or says that there is no such thing.
pub(super) fn is_about_player(line: &str) -> bool {
    const BEGINNINGS: [&str; 9] =
        ["you ", "you'", "i ", "there is no", "there's no", "no such", "nothing happens", "what ", "that's not"];
    let line = line.to_lowercase();
    BEGINNINGS.iter().any(|begin| line.starts_with(begin)) || line.contains("error") || line.starts_with("invalid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reflect::arguments::Arguments;

    #[test]
    fn some_verbs_only_look() {
        for (arguments, expected) in [
            (r#"{"action": "examine the door"}"#, true),
            (r#"{"turn": 3, "command": "LOOK"}"#, true),
            (r#""read sign""#, true),
            (r#"{"action": "open door"}"#, false),
            ("{}", false),
        ] {
            let arguments = Arguments::new(Some(arguments));
            let answer = Answer { name: Some("act"), arguments: &arguments, result: "", marked_error: false };
            assert_eq!(looks(&answer), expected);
        }
    }

    #[test]
    fn who_looks_is_told_of_things_or_of_himself() {
        assert!(is_about_player("You can't see any such thing."));
        assert!(!is_about_player("The door is locked."));
    }
}
