//! τ-bench agents that write their action into the message's text, after `Action:`. Not concerned with agents that
//! make tool calls.

use serde_json::value::RawValue;

use super::json::{Fields, compact, text};

/// What the system message of such an agent contains.
pub(super) const TOOL_HEADING: &str = "#Available tools";

/// What the harness puts before a tool's result when it shows it as a user message.
pub(super) const RESULT_PREFIX: &str = "API output: ";

/// The action that speaks to the user.
const RESPOND: &str = "respond";

/// Name and arguments of the tool that a message calls: the JSON object after the last `Action:`. `None` if it
/// speaks to the user, or cannot be read, which the harness also takes for speaking to the user.
pub(super) fn call(message: &str) -> Option<(String, String)> {
    let action = message.rsplit("Action:").next()?.trim();
    let action: &RawValue = serde_json::from_str(action).ok()?;
    let mut fields = Fields::of(action).ok()?;
    let name = text(fields.take("name")?).ok()?;
    let arguments = compact(fields.take("arguments")?).ok()?;
    (name != RESPOND).then(|| (name.into_owned(), arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_action_counts() {
        let call = |message: &str| call(message).map(|(name, arguments)| format!("{name} {arguments}"));
        assert_eq!(
            call("Thought: Action: x\nAction:\n{\"name\": \"book\", \"arguments\": {\"n\": 1.0}}\n").as_deref(),
            Some("book {\"n\":1.0}")
        );
        assert_eq!(call("{\"name\": \"book\", \"arguments\": {}}").as_deref(), Some("book {}"));
        assert_eq!(call("Action: {\"name\": \"respond\", \"arguments\": {\"content\": \"hi\"}}"), None);
        assert_eq!(call("Action: {\"name\": \"book\", \"arguments\": {}} and more"), None);
        assert_eq!(call("Which flight?"), None);
    }
}
