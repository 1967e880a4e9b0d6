//! The pipelines of `pipelines/plugins`, each run as it ships: what the example plugins say of the sample recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Float32Type, Int32Type};
use serde_json::Value;

use super::exported::exported;
use super::harness::{Run, Workplace, exit_code, json_lines, shipped};

const EXAMPLES: &str = "plugins/examples";

/// The shipped pipelines and their data, and the examples that are committed, where the pipelines look for them.
fn place() -> Workplace {
    let place = Workplace::with_quickstart();
    for entry in fs::read_dir(shipped("plugins")).unwrap() {
        let path = entry.unwrap().path();
        place.write(
            &format!("pipelines/plugins/{}", path.file_name().unwrap().to_str().unwrap()),
            fs::read(path).unwrap(),
        );
    }
    for plugin in [
        "tool_call_efficiency/rust",
        "tool_call_efficiency/js",
        "hindsight/js",
        "repetition/rust",
        "repetition/js",
        "tool_errors/js",
        "text_adventure/rust",
    ] {
        let name = plugin.split('/').next().unwrap();
        let file = format!("{EXAMPLES}/{plugin}/{name}.wasm");
        place.write(&file, fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap());
    }
    place
}

fn run(place: &Workplace, pipeline: &str, arguments: &[&str]) -> Run {
    let file = format!("pipelines/plugins/{pipeline}.yaml");
    place.run_with(&[&["run", file.as_str()], arguments].concat(), &[])
}

/// Sets the parameter `plugin` to an example.
fn using(file: &str) -> String {
    format!("params.plugin=../../{EXAMPLES}/{file}")
}

/// The mean of a figure.
fn mean(run: &Run, stage: &str, figure: &str) -> f64 {
    let finished = run.of_kind("stage_finished").find(|event| event["stage"] == stage).unwrap();
    finished["metrics"][figure]["distribution"]["mean"].as_f64().unwrap()
}

#[test]
fn every_pipeline_is_run_here() {
    let names = fs::read_dir(shipped("plugins")).unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<String> = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    // The last by `rollout`.
    let known = ["hindsight", "repetition", "tool-call-efficiency", "tool-errors", "text-adventure"];
    assert_eq!(names, known.map(str::to_owned).into());
}

/// The shards of a stage's dataset, whatever the plugin is called.
fn shards(place: &Workplace, run: &Run, stage: &str) -> Value {
    place.datasets(run)[stage]["shards"].clone()
}

#[test]
fn the_same_reward_in_two_languages() {
    let place = place();
    let rust = run(&place, "tool-call-efficiency", &[]);
    let js =
        run(&place, "tool-call-efficiency", &["--set", &using("tool_call_efficiency/js/tool_call_efficiency.wasm")]);
    assert_eq!(rust.computed()["reward"], 4);
    assert_eq!(js.computed().keys().next(), Some(&"export"), "{:?}", js.computed());
    assert!(shards(&place, &rust, "reward") == shards(&place, &js, "reward"), "the languages do not agree");
    // Of 400 the harness lost some, which nobody judged.
    assert_eq!((rust.counted("reward", "scored"), rust.counted("reward", "unscored")), (392, 8));
    let rows = exported(&place.path("sternlight-output/tool-call-efficiency.parquet"));
    let (rewards, successes) = (rows.float("reward").unwrap(), rows.boolean("success").unwrap());
    let tools = rows.text("turns.tool_name").unwrap();
    for row in 0..rows.rows() {
        let calls = rows.turns_of(row).filter(|turn| tools.is_valid(*turn)).count();
        let expected = match successes.is_valid(row).then(|| successes.value(row)) {
            None => None,
            Some(false) => Some(0.0),
            Some(true) => Some((1.0 - 0.1 * calls.saturating_sub(3) as f64).max(0.1) as f32),
        };
        assert_eq!(rewards.is_valid(row).then(|| rewards.value(row)), expected, "row {row} with {calls} calls");
    }
}

#[test]
fn columns_about_repetition() {
    let place = place();
    let run = run(&place, "repetition", &[]);
    assert_eq!((run.rows("repetition"), run.rows("circles")), (400, 68));
    let rows = exported(&place.path("sternlight-output/repetition.parquet"));
    let repetitions = rows.column("turns.repetitions").unwrap().as_primitive::<Int32Type>();
    let distinct = rows.column("distinct_actions").unwrap().as_primitive::<Float32Type>();
    for row in 0..rows.rows() {
        let turns = rows.turns_of(row);
        let new = turns.clone().filter(|turn| repetitions.value(*turn) == 0).count();
        assert!(new < turns.len() && distinct.value(row) == new as f32 / turns.len() as f32, "row {row}");
    }
}

#[test]
fn the_same_columns_in_two_languages() {
    let place = place();
    let rust = run(&place, "repetition", &[]);
    let js = run(&place, "repetition", &["--set", &using("repetition/js/repetition.wasm")]);
    assert_eq!(js.computed()["repetition"], 4);
    assert!(shards(&place, &rust, "repetition") == shards(&place, &js, "repetition"), "the languages do not agree");
}

#[test]
fn what_became_of_tool_errors() {
    let place = place();
    let run = run(&place, "tool-errors", &[]);
    assert_eq!(run.rows("reflect"), 400);
    let rows = exported(&place.path("sternlight-output/tool-errors.parquet"));
    let (verdicts, diagnoses) = (rows.text("turns.verdict").unwrap(), rows.text("turns.diagnosis").unwrap());
    let known: BTreeSet<&str> = verdicts.iter().flatten().collect();
    assert_eq!(known, ["recovered-error", "recovery", "repeated-error", "unrecovered-error"].into());
    let observations = rows.text("turns.observation").unwrap();
    for row in 0..rows.rows() {
        let turns = rows.turns_of(row);
        assert!(turns.clone().any(|turn| verdicts.is_valid(turn)));
        // What a call gave is what is observed next.
        for turn in turns.clone().filter(|turn| turn + 1 < turns.end) {
            let failed = ["Error: ", "Refused"].iter().any(|text| observations.value(turn + 1).starts_with(text));
            let is_blamed = verdicts.is_valid(turn) && verdicts.value(turn) != "recovery";
            assert_eq!(is_blamed, failed, "row {row}, turn {turn}");
            assert!(!failed || diagnoses.value(turn).contains("` failed: "), "{}", diagnoses.value(turn));
        }
    }
}

/// Exported chats by their ids.
fn chats(place: &Workplace, name: &str) -> BTreeMap<String, Value> {
    let lines = json_lines(&fs::read(place.path(name)).unwrap());
    lines.into_iter().map(|chat| (chat["trajectory_id"].as_str().unwrap().to_owned(), chat)).collect()
}

#[test]
fn failures_become_successes_in_hindsight() {
    let place = place();
    let first = run(&place, "hindsight", &[]);
    let copies = first.counted("hindsight", "copies");
    assert_eq!((first.rows("import"), first.rows("hindsight")), (400, 400 + copies));
    assert!(copies > 50, "{copies} copies");
    let chats = chats(&place, "sternlight-output/hindsight.jsonl");
    let (made, recorded): (Vec<_>, Vec<_>) = chats.iter().partition(|(id, _)| id.contains("#hindsight-"));
    // Calls that were refused are left out.
    assert!(
        made.len() as u64 <= copies && made.len() > 50 && recorded.len() == 209,
        "{} {}",
        made.len(),
        recorded.len()
    );
    for (id, chat) in made {
        let source = id.strip_suffix("#hindsight-1").unwrap();
        assert!(!chats.contains_key(source), "{id}: only failures are relabelled");
        assert_eq!((&chat["reward"], &chat["success"]), (&1.0.into(), &true.into()), "{id}");
        assert!(chat["group_id"].as_str().unwrap().contains("/desk-agent#hindsight-"), "{id}");
        let last = chat["messages"].as_array().unwrap().last().unwrap();
        let call = &last["tool_calls"][0]["function"];
        let prompt = chat["messages"].to_string();
        assert!(call["name"].is_string() && prompt.contains("Serve the customer: `"), "{id}: it ends with a call");
    }
    // Recorded trials are credited as if there were no copies.
    assert_eq!(mean(&first, "reward", "reward"), (209.0 + copies as f64) / (392.0 + copies as f64));
    assert!(run(&place, "hindsight", &[]).computed().is_empty());
    let verified = place.sternlight(&["verify", "last"]);
    assert_eq!(exit_code(&verified), 0, "{}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(exit_code(&place.sternlight(&["gc"])), 0);
    let shown = place.sternlight(&["show", "last", "hindsight", "service-desk-0#18#hindsight-1"]);
    assert_eq!(exit_code(&shown), 0);
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("service-desk-0#18\n") && shown.contains("relabelled       true"), "{shown}");
}

#[test]
fn threads_batches_and_processes_decide_nothing_about_copies() {
    let place = place();
    let first = run(&place, "hindsight", &[]);
    let expected = place.datasets(&first);
    for arguments in [&["--batch-rows", "1"][..], &["--threads", "1"], &["--executor", "processes"]] {
        fs::remove_dir_all(place.path(".sternlight")).unwrap();
        let again = run(&place, "hindsight", arguments);
        assert!(place.datasets(&again) == expected, "{arguments:?}");
    }
}

#[test]
fn copies_alone_and_of_the_first_groups_alone() {
    let place = place();
    let both = run(&place, "hindsight", &[]);
    place.edit("pipelines/plugins/hindsight.yaml", "keep: both", "keep: relabelled");
    let alone = run(&place, "hindsight", &[]);
    assert_eq!(alone.computed()["hindsight"], 4);
    assert_eq!(alone.rows("hindsight"), both.counted("hindsight", "copies"));
    let diff = place.sternlight(&["diff", "last~1", "last"]);
    assert_eq!(exit_code(&diff), 0, "{}", String::from_utf8_lossy(&diff.stderr));
    let limited = run(&place, "hindsight", &["--limit", "5"]);
    assert!((1..=40).contains(&limited.rows("hindsight")), "{}", limited.rows("hindsight"));
}

#[test]
fn what_check_says_of_keep() {
    let place = place();
    let said = |pipeline: &str, from: &str, to: &str| {
        let file = format!("pipelines/plugins/{pipeline}.yaml");
        let text = place.read(&file);
        place.edit(&file, from, to);
        let told = place.said(&["check", &file]);
        place.write(&file, text);
        told
    };
    insta::assert_snapshot!(said("hindsight", "keep: both", "keep: originals"), @"
    exit code 2
    --- stderr
    pipelines/plugins/hindsight.yaml:14:11: error: unknown value `originals`
       |
    14 |     keep: originals # `relabelled`: the copies alone
       |           ^^^^^^^^^ not known here
       = help: known values: `relabelled`, `both`

    error: 1 problem
    ");
    insta::assert_snapshot!(said("repetition", "    from: import\n    with: { ignore", "    from: import\n    keep: both\n    with: { ignore"), @"
    exit code 2
    --- stderr
    pipelines/plugins/repetition.yaml:15:5: error: `keep` is for relabellers, and plugin `repetition` 0.1.0 is of the world `batch`
       |
    15 |     keep: both
       |     ^^^^
       = help: take it out

    error: 1 problem
    ");
    insta::assert_snapshot!(said("hindsight", "by: outcome } }", "by: outcome }, keep: both }"), @"
    exit code 2
    --- stderr
    pipelines/plugins/hindsight.yaml:18:67: error: `keep` is for plugins, and `reward` is built in
       |
    18 |   reward: { uses: reward, from: hindsight, with: { by: outcome }, keep: both }
       |                                                                   ^^^^
       = help: take it out

    error: 1 problem
    ");
}

#[test]
fn what_is_told_of_a_relabeller() {
    let place = place();
    let said = place.said(&["plugin", "inspect", "plugins/examples/hindsight/js/hindsight.wasm"]);
    let columns: Vec<&str> =
        said.lines().filter(|line| ["world", "makes", "adds"].iter().any(|name| line.starts_with(name))).collect();
    assert_eq!(columns, ["world     relabel", "makes     copies of trajectories under other goals"]);
}

/// Builds an example with `sternlight plugin build`, which fetches what that takes.
fn build(place: &Workplace, project: &str) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES).join(project);
    let name = project.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let output = place.path(&format!("{EXAMPLES}/{name}/python/{name}.wasm"));
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let arguments = ["plugin", "build", project.to_str().unwrap(), "--output", output.to_str().unwrap()];
    let built = place.command(&arguments).output().unwrap();
    assert_eq!(exit_code(&built), 0, "{}", String::from_utf8_lossy(&built.stderr));
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn the_same_reward_in_python() {
    let place = place();
    build(&place, "tool_call_efficiency/python");
    let rust = run(&place, "tool-call-efficiency", &[]);
    let python = using("tool_call_efficiency/python/tool_call_efficiency.wasm");
    let python = run(&place, "tool-call-efficiency", &["--set", &python]);
    assert!(shards(&place, &rust, "reward") == shards(&place, &python, "reward"), "the languages do not agree");
}

#[test]
#[ignore = "needs the Python toolchain for WebAssembly"]
fn the_same_reflection_in_python() {
    let place = place();
    build(&place, "tool_errors/python");
    let js = run(&place, "tool-errors", &[]);
    let python = run(&place, "tool-errors", &["--set", &using("tool_errors/python/tool_errors.wasm")]);
    assert!(shards(&place, &js, "reflect") == shards(&place, &python, "reflect"), "the languages do not agree");
}
