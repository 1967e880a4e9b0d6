//! Columns kept, dropped, renamed and derived, of trajectories and of turns, of every type.

use crate::{Case, Input};

const OPTIONS: [&str; 10] = [
    "{drop: [extra, turns.reward, turns.action_tokens]}",
    "{keep: [reward, turns.advantage]}",
    "{keep: []}",
    "{keep: [turns], rename: {reward: outcome, extra: notes}}",
    "{rename: {turns.advantage: turns.advantage_grpo, turns.action_tokens: turns.ids}}",
    "{rename: {env: policy, policy: env}}",
    "{derive: {whole: length(turns), half: length(turns) / 2, text: 'coalesce(env, prompt)', yes: any_turn(tool_error), scaled: reward * 2}}",
    "{derive: {reward: 'coalesce(reward, 0)', seed: length(prompt)}}",
    "{derive: {turns.length: length(action), turns.reward: 'coalesce(reward, trajectory.reward)', turns.one: '1', turns.last: last_turn(action)}}",
    "{rename: {reward: raw}, derive: {reward: reward - 1}, drop: [extra]}",
];

pub(crate) fn case() -> Case {
    Case { stage: "select", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Rows }
}
