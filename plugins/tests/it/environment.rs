//! An environment that is a plugin, acted in.

use serde_json::json;
use sternlight_engine::stage::{EnvironmentTask as Task, EpisodeStart as Start, EpisodeStep as Step, PluginLimits};

use super::guest::{Host, component, component_of, honest};

#[test]
fn several_episodes_side_by_side() {
    let host = Host::new();
    host.write("guest.wasm", &component("environment", "work", &honest("environment")));
    let mut environment = host.environment(PluginLimits::default()).unwrap();
    let tasks = environment.tasks(3, 7).unwrap();
    assert_eq!(tasks, [Task { id: "find it".to_owned(), data: String::new(), seed: 7 }]);
    let starts = environment.reset(&[(4, &tasks[0]), (9, &tasks[0])]).unwrap();
    let start = Start { prompt: "find it".to_owned(), observation: "a dark room".to_owned() };
    assert_eq!(starts, [Ok(start.clone()), Ok(start)]);
    let steps = environment.step(&[(9, "look"), (4, "wait a while"), (9, "run")]).unwrap();
    let step = Step { observation: "a lamp".to_owned(), reward: 0.5, done: true, success: Some(true) };
    let errors = ["one can only look", "the reward is inf, expected a finite number"].map(|text| Err(text.to_owned()));
    assert_eq!(steps[0], Ok(step));
    assert_eq!(steps[1..], errors);
    environment.close(&[4, 9]).unwrap();
}

#[test]
fn what_is_no_environment_is_refused_and_a_fault_is_told() {
    let host = Host::new();
    host.write("guest.wasm", &component("reward", "", ""));
    let refused = host.environment(PluginLimits::default()).err().unwrap();
    insta::assert_snapshot!(refused, @"plugin `guest` 1.0.0 is of the world `reward`, expected `environment`");
    let forgetful = honest("environment").replace(
        "(local.get $count))\n  (i32.load (i32.const 1216)))",
        "(i32.const 0))\n  (i32.load (i32.const 1216)))",
    );
    host.write("guest.wasm", &component("environment", "work", &forgetful));
    let mut environment = host.environment(PluginLimits::default()).unwrap();
    let task = Task { id: "a".to_owned(), data: json!({}).to_string(), seed: 1 };
    let told = environment.reset(&[(1, &task), (2, &task)]).unwrap_err();
    insta::assert_snapshot!(told, @"plugin `guest` 1.0.0: it returned 0 results for 2 episodes");
}

/// As a stage sees it: what the plugin says and holds, and what it may not be called.
#[test]
fn a_stage_hears_what_an_environment_says() {
    let host = Host::new();
    let listed = "(local.set $step (call $list (local.get $count)))";
    let warns = format!("{listed}\n  (call $log (i32.const 2) (i32.const 4096) (i32.const 7))");
    host.write("guest.wasm", &component("environment", "work", &honest("environment").replacen(listed, &warns, 1)));
    let kind = host.environment_kind();
    let mut environment = kind.start().unwrap();
    let tasks = environment.tasks(1, 7).unwrap();
    environment.reset(&[(0, &tasks[0])]).unwrap();
    assert_eq!(environment.said().warnings, [""; 0]);
    environment.step(&[(0, "look")]).unwrap();
    environment.step(&[(0, "look")]).unwrap();
    assert_eq!(environment.said().warnings, ["plugin `guest`: find it"]);
    assert_eq!(environment.said().warnings, [""; 0]);
    assert!(kind.held_bytes() >= 64 << 10, "{}", kind.held_bytes());
    let nameless = honest("environment").replace("\"find it\"", "\"fin\\1bit\"");
    host.write("guest.wasm", &component("environment", "work", &nameless));
    let told = host.environment_kind().start().unwrap().tasks(1, 7).unwrap_err();
    insta::assert_snapshot!(told, @r"plugin `guest` 1.0.0: `fin\u{1b}it\u{0}` is no name of a task: expected a short text that can be printed");
}

#[test]
fn an_environment_keeps_no_state() {
    let host = Host::new();
    let configure =
        honest("configure").replace("(i32.const 1092) (i32.const 0)", "(i32.const 1092) (i32.const 0x010000)");
    let environment = component_of("environment", &[("configure", &configure), ("work", &honest("environment"))]);
    host.write("guest.wasm", &environment);
    let problems = host.ask_for_environment().err().unwrap();
    insta::assert_snapshot!(problems[0].message, @"plugin `guest` 1.0.0 keeps state, and an environment's episodes know nothing of others");
}
