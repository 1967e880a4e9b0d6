//! Records of the first τ-bench's result files.

use serde_json::value::RawValue;
use sternlight_engine::trajectory::{Status, TrajectoryRow};

use super::chat::{Dialect, Reading, Recorded, conversation};
use super::extra::ObjectText;
use super::json::{Fault, Fields, label, objects, text};
use super::options::{FailedReward, Options};
use super::row::{Imported, Notes, Origin, Reward, group_id, reward};

/// What the environment is called if nothing tells which of its domains it is.
const ENVIRONMENT: &str = "tau-bench";

/// A domain of the benchmark: how the first line of its policy begins, in lower case, and the tools that no other
/// domain has.
struct Domain {
    environment: &'static str,
    policy_title: &'static str,
    tools: &'static [&'static str],
}

const DOMAINS: [Domain; 2] = [
    Domain {
        environment: "tau-bench/airline",
        policy_title: "airline agent policy",
        tools: &[
            "book_reservation",
            "cancel_reservation",
            "get_reservation_details",
            "list_all_airports",
            "search_direct_flight",
            "search_onestop_flight",
            "send_certificate",
            "update_reservation_baggages",
            "update_reservation_flights",
            "update_reservation_passengers",
        ],
    },
    Domain {
        environment: "tau-bench/retail",
        policy_title: "retail agent policy",
        tools: &[
            "cancel_pending_order",
            "exchange_delivered_order_items",
            "find_user_id_by_email",
            "find_user_id_by_name_zip",
            "get_order_details",
            "get_product_details",
            "list_all_product_types",
            "modify_pending_order_address",
            "modify_pending_order_items",
            "modify_pending_order_payment",
            "modify_user_address",
            "return_delivered_order_items",
        ],
    },
];

/// The environment that a record tells: by the first line of its system message, or else by the tools that its
/// task's solution uses. A failed run tells nothing.
pub(super) fn environment(record: &[u8]) -> Option<&'static str> {
    let mut record = Fields::of_record(record).ok()?;
    let by_policy = || {
        let first = objects(record.get("traj")?).ok()?.into_iter().next()?;
        let role = text(first.get("role")?).ok()?;
        let content = text(first.get("content")?).ok()?;
        let title = content.lines().next()?.trim_start_matches(['#', ' ']).to_lowercase();
        DOMAINS.iter().find(|domain| role == "system" && title.starts_with(domain.policy_title))
    };
    let domain = by_policy().or_else(|| {
        let info = Fields::of(record.take("info")?).ok()?;
        let actions = objects(Fields::of(info.get("task")?).ok()?.get("actions")?).ok()?;
        actions.into_iter().find_map(|mut action| {
            let name = text(action.take("name")?).ok()?;
            DOMAINS.iter().find(|domain| domain.tools.contains(&name.as_ref()))
        })
    });
    domain.map(|domain| domain.environment)
}

/// What `info` holds of a run.
#[derive(Default)]
struct Info {
    error: Option<String>,
    is_scored: bool,
}

/// The row of a record.
pub(super) fn import(record: &[u8], origin: Origin<'_>, options: &Options) -> Result<Imported, Fault> {
    let mut record = Fields::of_record(record)?;
    let mut extra = ObjectText::default();
    let task_id = record.require("task_id", label)?.into_owned();
    if let Some(trial) = record.take("trial") {
        extra.raw("trial", trial)?;
    }
    let info = record.read("info", |info| read_info(info, &mut extra))?.unwrap_or_default();
    let status = match (&info.error, info.is_scored) {
        (Some(_), _) => Status::Failed,
        (None, true) => Status::Done,
        (None, false) => Status::Truncated,
    };
    let recorded = record.take("reward");
    let reward = recorded.map(reward).transpose().map_err(|fault| fault.within("reward"))?;
    let kept = reward.filter(|_| status != Status::Failed || options.failed_reward == Some(FailedReward::Recorded));
    if let Some(recorded) = recorded
        && kept.is_none_or(|kept| !kept.exact)
    {
        extra.raw("recorded_reward", recorded)?;
    }
    let reading = Reading { text_agents: true, ..Reading::of(options, Dialect::OpenAi) };
    let messages = record.require("traj", objects)?;
    let recorded = Recorded { field: "traj", messages, ..Recorded::default() };
    let mut conversation = conversation(recorded, reading)?;
    extra.rest_of_record(record)?;
    conversation.leave_over(&mut extra);

    let env = options.env.as_deref().or(origin.environment).unwrap_or(ENVIRONMENT).to_owned();
    let policy = options.policy.as_deref().unwrap_or(&origin.file.policy).to_owned();
    let row = TrajectoryRow {
        trajectory_id: origin.trajectory_id(),
        group_id: group_id(options, &env, &task_id, &policy),
        task_id: Some(task_id),
        env: Some(env),
        policy: Some(policy),
        prompt: Some(conversation.prompt),
        tools: None,
        seed: None,
        turns: conversation.turns,
        final_observation: Some(conversation.final_observation),
        reward: kept.map(|reward| reward.value),
        success: kept.map(|reward| reward.is_success),
        status,
        error: info.error,
        source: Some(origin.source()),
        extra: Some(extra.finish()),
    };
    let close = kept.and_then(Reward::close);
    let notes = Notes { is_named_by_file: options.policy.is_none(), close, ..Notes::default() };
    Ok(Imported { row, counts: conversation.counts, notes })
}

fn read_info(info: &RawValue, extra: &mut ObjectText) -> Result<Info, Fault> {
    let mut fields = Fields::of(info)?;
    let error = fields.read("error", text)?.map(|error| error.into_owned());
    let mut is_scored = false;
    for name in ["task", "reward_info", "source", "user_cost", "traceback"] {
        if let Some(value) = fields.take(name) {
            is_scored |= name == "reward_info";
            extra.raw(name, value)?;
        }
    }
    if !fields.is_empty() {
        let mut rest = ObjectText::default();
        rest.rest(fields)?;
        extra.json("info", &rest.finish());
    }
    Ok(Info { error, is_scored })
}

#[cfg(test)]
mod tests {
    use super::super::testing::input_file;
    use super::*;

    fn read(record: &str, options: &str) -> Result<TrajectoryRow, Fault> {
        let file = input_file("x/run.json");
        let options = serde_yaml::from_str(&format!("{{files: x, {options}}}")).unwrap();
        let origin = Origin { file: &file, index: 3, environment: Some("tau-bench/retail") };
        import(record.as_bytes(), origin, &options).map(|imported| imported.row)
    }

    const FAILED: &str = r#"{"task_id": 7, "reward": 0.0, "trial": 1, "traj": [],
        "info": {"error": "no such host", "traceback": "t", "more": 1.50}, "records": {}}"#;

    #[test]
    fn a_failed_run_has_no_reward_unless_asked_for() {
        let row = read(FAILED, "").unwrap();
        assert_eq!((row.status, row.reward, row.success), (Status::Failed, None, None));
        assert_eq!(row.error.as_deref(), Some("no such host"));
        assert_eq!(
            row.extra.as_deref(),
            Some(r#"{"trial":1,"traceback":"t","info":{"more":1.50},"recorded_reward":0.0,"records":{}}"#)
        );
        let row = read(FAILED, "failed_reward: recorded").unwrap();
        assert_eq!((row.status, row.reward, row.success), (Status::Failed, Some(0.0), Some(false)));
    }

    #[test]
    fn ids_are_made_of_file_task_and_options() {
        let row = read(FAILED, "").unwrap();
        assert_eq!(row.trajectory_id, "x/run#3");
        assert_eq!(row.source.as_deref(), Some("x/run.json#3"));
        assert_eq!(row.group_id, "tau-bench/retail/7/run");
        assert_eq!(read(FAILED, "env: e, policy: p").unwrap().group_id, "e/7/p");
        assert_eq!(read(FAILED, "group_by: task").unwrap().group_id, "tau-bench/retail/7");
    }

    #[test]
    fn outcome_and_status() {
        let row = |reward: &str, info: &str| {
            read(&format!(r#"{{"task_id": "a", "reward": {reward}, "traj": [], "info": {info}}}"#), "").unwrap()
        };
        let done = row("1.00000001", r#"{"reward_info": {}}"#);
        assert_eq!((done.status, done.success), (Status::Done, Some(true)));
        assert!(done.extra.unwrap().contains(r#""recorded_reward":1.00000001"#));
        let cut = row("0.0", r#"{"reward_info": null}"#);
        assert_eq!((cut.status, cut.success, cut.extra.as_deref()), (Status::Truncated, Some(false), Some("{}")));
        assert_eq!(row("null", "null").reward, None);
    }

    #[test]
    fn the_domain_is_told_by_the_policy_or_by_the_tools() {
        let system = r##"{"traj": [{"role": "system", "content": "# Retail agent policy\nx"}]}"##;
        assert_eq!(environment(system.as_bytes()), Some("tau-bench/retail"));
        let tools = r##"{"traj": [{"role": "user", "content": "# Retail agent policy"}],
            "info": {"task": {"actions": [{"name": "calculate"}, {"name": "book_reservation"}]}}}"##;
        assert_eq!(environment(tools.as_bytes()), Some("tau-bench/airline"));
        assert_eq!(environment(FAILED.as_bytes()), None);
    }

    #[test]
    fn faults_name_the_field() {
        let fault = |record: &str| read(record, "").unwrap_err().to_string();
        insta::assert_snapshot!(fault(r#"{"task_id": 1}"#), @"field `traj`: is missing or null");
        insta::assert_snapshot!(fault(r#"{"task_id": [], "traj": []}"#), @"field `task_id`: expected text or a number, found a list");
        insta::assert_snapshot!(fault(r#"{"task_id": 1, "traj": [], "reward": "1"}"#), @"field `reward`: expected a number, found text");
        insta::assert_snapshot!(fault(r#"{"task_id": 1, "traj": [{"role": 1}]}"#), @"field `traj[0].role`: expected text, found a number");
        insta::assert_snapshot!(fault(r#"{"task_id": 1, "traj": [], "info": {"error": 1}}"#), @"field `info.error`: expected text, found a number");
    }
}
