//! Episodes in an environment that is a plugin: the text adventure of `plugins/examples`, as its pipeline ships.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use arrow::array::Array as _;
use regex::Regex;
use sternlight_engine::trajectory::TrajectoryBatch;

use super::exported::exported;
use super::harness::{Run, Workplace, shipped};

const PIPELINE: &str = "pipelines/plugins/text-adventure.yaml";
const PLUGIN: &str = "plugins/examples/text_adventure/rust/text_adventure.wasm";

fn repository(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn place() -> Workplace {
    let place = Workplace::new();
    place.write(PIPELINE, fs::read(shipped("plugins/text-adventure.yaml")).unwrap());
    place.write(PLUGIN, repository(PLUGIN));
    place
}

fn run(place: &Workplace, arguments: &[&str]) -> Run {
    place.run_with(&[&["run", PIPELINE], arguments].concat(), &[])
}

fn rows(place: &Workplace) -> TrajectoryBatch {
    exported(&place.path("sternlight-output/text-adventure.parquet"))
}

#[test]
fn episodes_are_recorded_as_the_environment_tells_them() {
    let place = place();
    let first = run(&place, &[]);
    assert_eq!((first.rows("rollout"), first.computed()["rollout"]), (128, 2));
    let rows = rows(&place);
    let (actions, observations) = (rows.text("turns.action").unwrap(), rows.text("turns.observation").unwrap());
    let (turn_rewards, rewards) = (rows.float("turns.reward").unwrap(), rows.float("reward").unwrap());
    let (successes, statuses) = (rows.boolean("success").unwrap(), rows.text("status").unwrap());
    let (finals, groups) = (rows.text("final_observation").unwrap(), rows.text("group_id").unwrap());
    let mut won = 0;
    for row in 0..rows.rows() {
        let turns = rows.turns_of(row);
        let last = turns.end - 1;
        let sum: f64 = turns.clone().map(|turn| f64::from(turn_rewards.value(turn))).sum();
        assert_eq!((rewards.value(row), statuses.value(row)), (sum as f32, "done"));
        let opens = finals.value(row).starts_with("The chest opens");
        assert_eq!((successes.value(row), actions.value(last) == "open chest" && opens), (opens, opens));
        assert!(opens || turns.len() == 40, "row {row}");
        won += usize::from(opens);
        // What comes of an action is what is seen next.
        for turn in turns.start..last {
            if let Some(thing) = actions.value(turn).strip_prefix("take ") {
                assert_eq!(observations.value(turn + 1), format!("You have the {thing}."));
                assert_eq!(turn_rewards.value(turn), 0.2 - 0.01);
            }
        }
    }
    assert!((40..128).contains(&won), "{won} of 128 episodes were won");
    assert_eq!(groups.iter().flatten().collect::<BTreeSet<_>>().len(), 32);
    // Attempts at one task are other attempts.
    let acted = |row: usize| rows.turns_of(row).map(|turn| actions.value(turn)).collect::<Vec<_>>();
    let differ = (0..rows.rows()).step_by(4).filter(|first| acted(*first) != acted(first + 1)).count();
    assert!(differ > 28, "in {differ} of 32 houses the second attempt differs from the first");
    assert!(run(&place, &[]).computed().is_empty());
}

#[test]
fn processes_must_see_the_same_tasks() {
    let place = place();
    place.edit(
        PIPELINE,
        "        uses: ${params.plugin}\n",
        "        uses: ${params.plugin}\n        allow: { clock: true }\n",
    );
    insta::assert_snapshot!(place.said(&["run", PIPELINE, "--executor", "processes"]), @"
    exit code 2
    --- stderr
    error: stage `rollout` depends on clock: each process would see other parts of it
    help: use `--executor local`
    ");
}

#[test]
fn threads_processes_and_other_tasks_decide_nothing_and_the_seed_all() {
    let place = place();
    let first = run(&place, &[]);
    let expected = place.datasets(&first)["rollout"].clone();
    for arguments in [&["--threads", "1"][..], &["--executor", "processes"]] {
        fs::remove_dir_all(place.path(".sternlight")).unwrap();
        assert_eq!(place.datasets(&run(&place, arguments))["rollout"], expected, "{arguments:?}");
    }
    let before = rows(&place);
    // The first tasks are the same ones; those of the first shard need not be played again.
    let fewer = run(&place, &["--set", "params.tasks=20"]);
    assert_eq!((fewer.rows("rollout"), fewer.computed()["rollout"]), (80, 1));
    assert_eq!(rows(&place).text("turns.action").unwrap().value(7), before.text("turns.action").unwrap().value(7));
    place.edit(PIPELINE, "seed: 7", "seed: 8");
    let other = run(&place, &[]);
    assert_eq!(other.computed()["rollout"], 2);
    assert_ne!(rows(&place).text("prompt").unwrap().len(), 0);
    assert_ne!(rows(&place).text("turns.observation").unwrap(), before.text("turns.observation").unwrap());
}

#[test]
fn what_check_says_of_environments() {
    let place = place();
    let said = |from: &str, to: &str| {
        place.write(PIPELINE, fs::read_to_string(shipped("plugins/text-adventure.yaml")).unwrap().replace(from, to));
        Regex::new("[0-9a-f]{64}").unwrap().replace_all(&place.said(&["check", PIPELINE]), "SHA256").into_owned()
    };
    // Whoever is first is told that it compiles.
    said("", "");
    insta::assert_snapshot!(said("", ""), @"
    exit code 0
    --- stdout
    pipelines/plugins/text-adventure.yaml: ok, 3 stages
    ");
    insta::assert_snapshot!(said("rooms: 4", "rooms: 2"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:23:24: error: expected at least 3, found `2`
       |
    23 |         with: { rooms: 2, max_steps: 40 }
       |                        ^

    error: 1 problem
    ");
    insta::assert_snapshot!(said("max_steps: 40", "max_step: 40"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:23:27: error: unknown key `max_step`
       |
    23 |         with: { rooms: 4, max_step: 40 }
       |                           ^^^^^^^^
       = help: did you mean `max_steps`?

    error: 1 problem
    ");
    insta::assert_snapshot!(said("tasks: ${params.tasks}", "tasks: 0"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:32:14: error: `tasks` is 0, expected at least 1
       |
    32 |       tasks: 0
       |              ^

    error: 1 problem
    ");
    insta::assert_snapshot!(said("act: [look]", "act: []"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:31:18: error: a rule that does nothing
       |
    31 |         - { act: [] }
       |                  ^^
       = help: say what is done, as in `act: [look]`; of several, one is drawn

    error: 1 problem
    ");
    insta::assert_snapshot!(said("        uses: ${params.plugin}\n", "        uses: ${params.plugin}\n        sha256: ab\n"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:23:17: error: `ab` is no SHA-256: expected 64 hexadecimal digits
       |
    23 |         sha256: ab
       |                 ^^
       = help: the plugin's is `SHA256`

    error: 1 problem
    ");
    insta::assert_snapshot!(said("params.plugin}\n        with: { rooms: 4, max_steps: 40 }", "params.plugin}\n        allow: { random: true }"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:23:26: error: an environment draws its random numbers from the seed of its task
       |
    23 |         allow: { random: true }
       |                          ^^^^
       = help: take it out

    error: 1 problem
    ");
    insta::assert_snapshot!(said("uses: rollout", "uses: ../../plugins/examples/text_adventure/rust/text_adventure.wasm"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:19:11: error: plugin `text-adventure` 0.1.0 is an environment: it is acted in, and no stage by itself
       |
    19 |     uses: ../../plugins/examples/text_adventure/rust/text_adventure.wasm
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = help: name it in `env` of a stage `rollout`

    error: 1 problem
    ");
    place.write("reward.wasm", repository("plugins/tests/tool_penalty/tool_penalty.wasm"));
    insta::assert_snapshot!(said("uses: ${params.plugin}", "uses: ../../reward.wasm"), @"
    exit code 2
    --- stderr
    pipelines/plugins/text-adventure.yaml:22:15: error: plugin `tool-penalty` 0.1.0 is of the world `reward`, expected `environment`
       |
    22 |         uses: ../../reward.wasm
       |               ^^^^^^^^^^^^^^^^^
       = help: it is a stage by itself: name it in `uses` of a stage

    error: 1 problem
    ");
}
