//! Walks that stop, fall, are cut, and begin nowhere; one group and many.

use crate::{Case, Input};

const OPTIONS: [&str; 4] = [
    "{env: {uses: ./walks.wasm}, script: [{act: [on, stop, fall]}], tasks: 9}",
    "{env: {uses: ./walks.wasm}, script: [{act: [on]}], tasks: 40, group_size: 4, max_turns: 3}",
    "{env: {uses: ./walks.wasm}, script: [{when: '(?s).', act: [on]}, {when: ^$, act: [stop]}], tasks: 2, group_size: 70}",
    "{env: {uses: ./walks.wasm}, script: [{when: ^$, act: [on, stop]}], tasks: 100}",
];

pub(crate) fn case() -> Case {
    Case { stage: "rollout", options: OPTIONS.map(str::to_owned).to_vec(), input: Input::Files(Vec::new()) }
}
