//! Every form of the grammar and every function.

use crate::{Case, Input};

const CONDITIONS: [&str; 27] = [
    "true",
    "null",
    "reward > 0 or reward < 0 and not success",
    "reward is null",
    "success is not true",
    "reward is not distinct from 1",
    "reward between -1 and 1",
    "env in ('shop', 'desk', null)",
    "prompt like '%a_b\\%%' or prompt not ilike 'É%'",
    "seed % 2 = 0 or seed / 0 > 1 or -seed < 18446744073709551615 * 3",
    "abs(reward) + 0.5 >= 1e-3 * 2 - 1",
    "length(turns) > 0",
    "length(prompt) = length(final_observation)",
    "lower(trajectory_id) = upper(trajectory_id)",
    "contains(group_id, 'g') and starts_with(group_id, '') and ends_with(group_id, '1')",
    "coalesce(task_id, env, policy, 'none') <> 'none'",
    "regexp_like(coalesce(error, ''), '^.*$')",
    "status = 'done'",
    "any_turn(tool_name = 'refund')",
    "all_turns(length(action) > 0 and observation is not null)",
    "count_turns(tool_error) >= 1",
    "first_turn(action) = last_turn(action)",
    "first_turn(turns.reward) < trajectory.reward",
    "any_turn(regexp_like(observation, '(?i)error|é'))",
    "last_turn(upper(observation)) is not null",
    "count_turns(tool_arguments is null) = length(turns)",
    "any_turn(contains(observation, action))",
];

pub(crate) fn case() -> Case {
    let option = |condition: &str| format!("where: {}", serde_json::to_string(condition).unwrap());
    Case { stage: "filter", options: CONDITIONS.map(option).to_vec(), input: Input::Rows }
}
