//! Every form of the grammar and every function.

use crate::{Case, Input};

const CONDITIONS: [&str; 13] = [
    "true",
    "null",
    "reward > 0 or reward < 0 and not success or success is not true",
    "reward is null or reward is not distinct from 1 or reward between -1 and 1",
    "env in ('shop', 'desk', null) and status = 'done'",
    "prompt like '%a_b\\%%' or prompt not ilike 'É%' or regexp_like(coalesce(error, ''), '^.*$')",
    "seed % 2 = 0 or seed / 0 > 1 or -seed < 18446744073709551615 * 3 or abs(reward) + 0.5 >= 1e-3 * 2 - 1",
    "length(turns) > 0 and length(prompt) = length(final_observation)",
    "lower(trajectory_id) = upper(trajectory_id) or contains(group_id, 'g') and starts_with(group_id, '') and ends_with(group_id, '1')",
    "coalesce(task_id, env, policy, 'none') <> 'none'",
    "any_turn(tool_name = 'refund') or any_turn(regexp_like(observation, '(?i)error|é') and contains(observation, action))",
    "all_turns(length(action) > 0 and observation is not null) or count_turns(tool_error) >= count_turns(tool_arguments is null)",
    "first_turn(action) = last_turn(action) or first_turn(turns.reward) < trajectory.reward or last_turn(upper(observation)) is null",
];

pub(crate) fn case() -> Case {
    let option = |condition: &str| format!("where: {}", serde_json::to_string(condition).unwrap());
    Case { stage: "filter", options: CONDITIONS.map(option).to_vec(), input: Input::Rows }
}
