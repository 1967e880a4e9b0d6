//! Records of chat messages, with what people put beside `messages`. Not concerned with messages themselves.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sternlight_engine::trajectory::TrajectoryRow;

use super::chat::{Conversation, Dialect, FINAL_MESSAGES, Reading, Recorded, conversation};
use super::extra::ObjectText;
use super::facts::Facts;
use super::json::{Fault, Fields, compact, objects, text};
use super::options::{Format, Options, TaskFrom};
use super::parts::TURN_INTO_MESSAGES;
use super::row::{Imported, Origin};

/// The row of a record.
pub(super) fn import(
    record: &[u8],
    dialect: Dialect,
    origin: Origin<'_>,
    options: &Options,
) -> Result<Imported, Fault> {
    let mut record = Fields::of_record(record)?;
    let mut extra = ObjectText::default();
    let recorded = messages(&mut record, dialect)?;
    let mut conversation = conversation(recorded, Reading::of(options, dialect))?;
    let tools = record.read("tools", |tools| match tools.get().starts_with('"') {
        true => text(tools).map(Cow::into_owned),
        false => compact(tools),
    })?;

    let first_user = || (options.task_from == Some(TaskFrom::FirstUser)).then(|| digest_of_beginning(&conversation));
    let facts = Facts::take(&mut record, (origin, options), format_of(dialect).name(), first_user, &mut extra)?;
    if let Some(observation) = record.get("final_observation").and_then(|value| text(value).ok())
        && conversation.show_last(&observation)
    {
        record.take("final_observation");
    }
    conversation.counts.seen.look_beside(&record);
    extra.rest_of_record(record)?;
    conversation.leave_over(&mut extra);

    let row = TrajectoryRow {
        trajectory_id: facts.trajectory_id,
        group_id: facts.group_id,
        task_id: facts.task_id,
        env: Some(facts.env),
        policy: Some(facts.policy),
        prompt: Some(conversation.prompt),
        tools,
        seed: facts.seed,
        turns: conversation.turns,
        final_observation: Some(conversation.final_observation),
        reward: facts.reward,
        success: facts.success,
        status: facts.status,
        error: facts.error,
        source: Some(origin.source()),
        extra: Some(extra.finish()),
    };
    Ok(Imported { row, counts: conversation.counts, notes: facts.notes })
}

fn format_of(dialect: Dialect) -> Format {
    match dialect {
        Dialect::OpenAi => Format::OpenaiChat,
        Dialect::Anthropic => Format::Anthropic,
    }
}

/// Takes out what the record has of the conversation.
fn messages<'a>(record: &mut Fields<'a>, dialect: Dialect) -> Result<Recorded<'a>, Fault> {
    if record.get("messages").is_none()
        && let Some(list) = ["input", "output"].into_iter().find(|name| record.get(name).is_some_and(is_list))
    {
        return Err(Fault::new(format!(
            "is missing, and `{list}` is a list: if it holds items of OpenAI's Responses API, these are not read"
        ))
        .help(TURN_INTO_MESSAGES)
        .within("messages"));
    }
    let messages = record.require("messages", objects)?;
    let role = |message: Option<&Fields<'a>>| message.and_then(|message| text(message.get("role")?).ok());
    // Some keep the system's message beside the others, as Anthropic does.
    let is_first =
        dialect == Dialect::Anthropic || !matches!(role(messages.first()).as_deref(), Some("system" | "developer"));
    let system = record.get("system").filter(|system| is_first && is_content(system));
    if system.is_some() {
        record.take("system");
    }
    let is_shown = |message: &Fields<'a>| role(Some(message)).is_some_and(|role| role != "assistant");
    let last = record.get(FINAL_MESSAGES).and_then(|last| objects(last).ok()).unwrap_or_default();
    let last = match role(messages.last()).as_deref() {
        Some("assistant") if !last.is_empty() && last.iter().all(is_shown) => last,
        _ => Vec::new(),
    };
    if !last.is_empty() {
        record.take(FINAL_MESSAGES);
    }
    Ok(Recorded { system, field: "messages", messages, last })
}

fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}

/// Whether a message could have this as its content.
fn is_content(value: &RawValue) -> bool {
    value.get().starts_with(['"', '['])
}

/// The same for conversations that begin alike: a digest of prompt and first observation.
fn digest_of_beginning(conversation: &Conversation) -> String {
    let first = conversation.turns.first().map_or(conversation.final_observation.as_str(), |turn| &turn.observation);
    let mut hasher = blake3::Hasher::new();
    // The length keeps apart what would otherwise run together.
    hasher.update(&(conversation.prompt.len() as u64).to_le_bytes());
    hasher.update(conversation.prompt.as_bytes());
    hasher.update(first.as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use sternlight_engine::trajectory::Status;

    use super::super::testing::input_file;
    use super::*;

    fn read(record: &str, options: &str) -> Result<TrajectoryRow, Fault> {
        let file = input_file("run.jsonl");
        let options = serde_yaml::from_str(&format!("{{files: x, {options}}}")).unwrap();
        let origin = Origin { file: &file, index: 3, environment: None };
        import(record.as_bytes(), Dialect::OpenAi, origin, &options).map(|imported| imported.row)
    }

    #[test]
    fn keys_beside_the_messages_fill_columns_and_the_rest_is_kept() {
        let row = read(
            r#"{"messages": [], "tools": [ {"a": 1.0} ], "id": 5, "task_id": "t", "reward": 0.1, "score": 2,
                "success": true, "env": "e", "model": "m", "seed": 18446744073709551615, "metadata": {"k": 1.00}}"#,
            "",
        )
        .unwrap();
        assert_eq!(row.tools.as_deref(), Some(r#"[{"a":1.0}]"#));
        assert_eq!((row.task_id.as_deref(), row.group_id.as_str()), (Some("t"), "e/t/m"));
        assert_eq!((row.reward, row.success, row.seed), (Some(0.1), Some(true), Some(u64::MAX)));
        assert_eq!(row.extra.as_deref(), Some(r#"{"id":5,"score":2,"metadata":{"k":1.00}}"#));
    }

    #[test]
    fn what_a_column_cannot_hold_stays_in_extra() {
        let row =
            read(r#"{"messages": [], "score": 0.123456789012, "seed": -1, "policy": "p"}"#, "policy: mine").unwrap();
        assert_eq!(row.extra.as_deref(), Some(r#"{"recorded_reward":0.123456789012,"seed":-1,"policy":"p"}"#));
        assert_eq!((row.policy.as_deref(), row.seed), (Some("mine"), None));
    }

    #[test]
    fn a_row_without_a_task_is_its_own_group() {
        let row = read(r#"{"messages": []}"#, "").unwrap();
        assert_eq!((row.task_id, row.group_id.as_str(), row.reward), (None, "run#3", None));
        let row = read(r#"{"messages": [], "trajectory_id": "a", "group_id": "g"}"#, "").unwrap();
        assert_eq!((row.trajectory_id.as_str(), row.group_id.as_str()), ("a", "g"));
    }

    #[test]
    fn what_an_export_says_of_a_run_is_read() {
        let row = read(
            r#"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}],
                "status": "truncated", "error": "cut", "final_observation": "done", "task_id": "t", "group_id": "g"}"#,
            "group_by: task",
        )
        .unwrap();
        assert_eq!((row.status, row.error.as_deref()), (Status::Truncated, Some("cut")));
        assert_eq!(row.final_observation.as_deref(), Some("done"));
        assert_eq!(row.group_id, "openai-chat/t");
        let row = read(
            r#"{"messages": [{"role": "user", "content": "hi"}], "status": "ok", "error": {"code": 5},
                "final_observation": "other"}"#,
            "",
        )
        .unwrap();
        assert_eq!((row.status, row.error), (Status::Done, None));
        assert_eq!(row.final_observation.as_deref(), Some("hi"));
        assert_eq!(row.extra.as_deref(), Some(r#"{"status":"ok","error":{"code":5},"final_observation":"other"}"#));
    }

    /// What an export writes where the text of the last observation does not say whose it is.
    #[test]
    fn what_was_shown_last_may_stand_beside_the_messages() {
        let read = |beside: &str| {
            let call =
                r#"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}"#;
            read(&format!(r#"{{"messages": [{call}], {beside}}}"#), "").unwrap()
        };
        let row = read(r#""final_observation": "Stop", "final_messages": [{"role": "user", "content": "Stop"}]"#);
        assert_eq!((row.final_observation.as_deref(), row.turns[0].tool_answered), (Some("Stop"), Some(false)));
        assert!(!row.extra.unwrap().contains("final_"));
        let row = read(r#""final_messages": [{"role": "tool", "tool_call_id": "a", "content": ""}]"#);
        assert_eq!((row.final_observation.as_deref(), row.turns[0].tool_answered), (Some(""), Some(true)));
        // Of somebody else's making.
        let row = read(r#""final_messages": [{"role": "assistant", "content": "x"}], "final_observation": "4""#);
        assert_eq!((row.final_observation.as_deref(), row.turns[0].tool_answered), (Some("4"), Some(true)));
        assert!(row.extra.unwrap().contains("final_messages"));
    }

    #[test]
    fn a_system_beside_the_messages_is_the_prompt() {
        let row =
            |beside: &str, messages: &str| read(&format!(r#"{{{beside}, "messages": [{messages}]}}"#), "").unwrap();
        let user = r#"{"role": "user", "content": "hi"}"#;
        assert_eq!(row(r#""system": "s""#, user).prompt.as_deref(), Some("s"));
        let blocks = r#""system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#;
        assert_eq!(row(blocks, user).prompt.as_deref(), Some("ab"));
        let own = row(r#""system": "s""#, r#"{"role": "system", "content": "own"}"#);
        assert_eq!((own.prompt.as_deref(), own.extra.as_deref()), (Some("own"), Some(r#"{"system":"s"}"#)));
        let other = row(r#""system": {"os": "linux"}"#, user);
        assert_eq!((other.prompt.as_deref(), other.extra.as_deref()), (Some(""), Some(r#"{"system":{"os":"linux"}}"#)));
    }

    #[test]
    fn an_empty_id_is_none() {
        let row = read(r#"{"messages": [], "trajectory_id": "", "group_id": "", "task_id": ""}"#, "").unwrap();
        assert_eq!((row.trajectory_id.as_str(), row.group_id.as_str(), row.task_id), ("run#3", "run#3", None));
        assert_eq!(row.extra.as_deref(), Some(r#"{"trajectory_id":"","group_id":"","task_id":""}"#));
    }

    #[test]
    fn conversations_that_begin_alike_can_form_a_group() {
        let task = |messages: &str| {
            read(&format!(r#"{{"messages": [{messages}]}}"#), "task_from: first_user").unwrap().task_id.unwrap()
        };
        let (system, user) = (r#"{"role": "system", "content": "s"}"#, r#"{"role": "user", "content": "u"}"#);
        let answer = r#"{"role": "assistant", "content": "a"}"#;
        assert_eq!(task(&format!("{system},{user}")), task(&format!("{system},{user},{answer}")));
        assert_ne!(task(&format!("{system},{user}")), task(user));
        assert_eq!(read(r#"{"messages": [], "id": "own"}"#, "task_from: first_user").unwrap().task_id.unwrap(), "own");
    }

    #[test]
    fn faults_name_the_field() {
        let fault = |record: &str| read(record, "").unwrap_err().to_string();
        insta::assert_snapshot!(fault(r#"{"prompt": 1}"#), @"field `messages`: is missing or null");
        insta::assert_snapshot!(fault(r#"{"input": []}"#), @"field `messages`: is missing, and `input` is a list: if it holds items of OpenAI's Responses API, these are not read");
        insta::assert_snapshot!(fault(r#"{"messages": {}}"#), @"field `messages`: expected a list, found an object");
        insta::assert_snapshot!(fault(r#"{"messages": [], "success": 1}"#), @"field `success`: expected true or false, found a number");
        insta::assert_snapshot!(fault(r#"{"messages": [], "score": {}}"#), @"field `score`: expected a number, found an object");
        insta::assert_snapshot!(fault(r#"{"messages": [], "note": ["\ud800"]}"#), @"field `note`: a string holds a lone surrogate escape");
    }
}
