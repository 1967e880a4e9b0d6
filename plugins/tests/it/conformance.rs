//! Each kind of lie is found, by the check that is there for it, and the honest guests pass.

use std::path::Path;

#[cfg(feature = "wasi")]
use sternlight_engine::stage::PluginGrants;
use sternlight_engine::stage::PluginLimits;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TurnRow};
use sternlight_plugins::conformance::{Check, Verdict};

#[cfg(feature = "wasi")]
use super::guest::granted_directory;
use super::guest::{Host, component, component_of, directory, honest};

/// Less than the host's, so that what leaks is near its limit.
const LIMITS: PluginLimits = PluginLimits { memory: Some(64 << 20), call_time: None };

/// The memory of a call is free again after it, and empty, as a guest of a real language has it.
fn tidy(function: &str) -> String {
    format!(
        "
    (func (export \"cabi_post_sternlight:plugin/{function}\") (param i32)
      (memory.fill (i32.const 65536) (i32.const 0) (i32.sub (global.get $next) (i32.const 65536)))
      (global.set $next (i32.const 65536)))"
    )
}

const SCORE: &str = "reward-stage@1.0.0#score";

fn checks(host: &Host) -> Vec<Check> {
    let mut checks = Vec::new();
    host.trial(LIMITS).unwrap().run(&mut |check| checks.push(check));
    checks
}

/// The checks that a guest fails, and the first fault of each.
fn failed(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let host = Host::new();
    host.write("guest.wasm", bytes);
    let failed = checks(&host).into_iter().filter(|check| check.verdict == Verdict::Failed);
    failed.map(|check| (check.name, check.faults[0].lines().next().unwrap().to_owned())).collect()
}

/// The same of a reward whose work does this for each row before it gives the number of its turns.
fn failed_at(each_row: &str) -> Vec<(&'static str, String)> {
    failed(&component("reward", "work", &work(each_row)))
}

fn work(each_row: &str) -> String {
    let before = "(local.set $result (i32.add (local.get $results)";
    honest("work").replace(before, &format!("{each_row}\n{before}")) + &tidy(SCORE)
}

/// In which the reward is this.
fn failed_with_reward(reward: &str, more: &str) -> Vec<(&'static str, String)> {
    let honest_reward = "(f32.convert_i32_u (call $turns (local.get $batch) (local.get $row)))";
    let work = honest("work").replace(honest_reward, reward) + &tidy(SCORE) + more;
    failed(&component("reward", "work", &work))
}

fn told(failed: &[(&str, String)]) -> String {
    failed.iter().map(|(name, fault)| format!("{name}: {fault}\n")).collect()
}

#[test]
fn honest_guests_pass() {
    let host = Host::new();
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["tests/tool_penalty/tool_penalty.wasm", "examples/repetition/rust/repetition.wasm"];
    let mut guests: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(built.join(file)).unwrap()).collect();
    guests.push(component("reward", "work", &work("")));
    guests.push(component("environment", "work", &honest("environment")));
    let relabel = honest("work.relabel") + &tidy("relabel-stage@1.0.0#relabel");
    guests.push(component("relabel", "work", &relabel));
    for guest in guests {
        host.write("guest.wasm", &guest);
        let checks = checks(&host);
        let failed: Vec<&Check> = checks.iter().filter(|check| check.verdict == Verdict::Failed).collect();
        assert!(failed.is_empty() && checks.len() >= 6, "{failed:?}");
    }
}

#[test]
fn what_a_guest_says_of_itself_changes() {
    let describe = honest("describe").replace("\"1.0.0\"", "\"11.0.0\"").replace(
        "(i32.const 2064))",
        "(i32.add (i32.const 2064) (global.get $asked)))\n(global.set $asked (i32.const 1))",
    ) + "(global $asked (mut i32) (i32.const 0))";
    let describe = component_of("reward", &[("describe", &describe), ("work", &work(""))]);
    insta::assert_snapshot!(told(&failed(&describe)), @"describe: its version is `11.0.` at first and `1.0.0` the third time");
    let scope = "(i32.store (i32.const 1092) (i32.const 0))";
    let asked = "(i32.store (i32.const 1092) (global.get $asked))\n(global.set $asked (i32.const 1))";
    let configure = honest("configure").replace(scope, asked) + "(global $asked (mut i32) (i32.const 0))";
    let configure = component_of("reward", &[("configure", &configure), ("work", &work(""))]);
    insta::assert_snapshot!(told(&failed(&configure)), @"contract: on one instance, the second time, it sees a group at once, reads turns.action and adds reward; before, it sees a trajectory at once, reads turns.action and adds reward");
}

#[test]
fn a_schema_offers_what_is_refused() {
    let schema = r#"{\"type\": \"object\", \"properties\": {\"target\": {\"type\": \"integer\", \"default\": 3}}}"#;
    let describe = honest("describe")
        .replace(
            "(data (i32.const 2080) \"{\\\"type\\\": \\\"object\\\"}\")",
            &format!("(data (i32.const 2080) \"{schema}\")"),
        )
        .replace("(i32.const 18))", &format!("(i32.const {}))", schema.replace('\\', "").len()));
    let refuse = "
        (if (i32.gt_u (local.get 1) (i32.const 2))
          (then
            (i32.store8 (i32.const 1088) (i32.const 1))
            (i32.store (i32.const 1092) (i32.const 2320))
            (i32.store (i32.const 1096) (i32.const 6))
            (return (i32.const 1088))))";
    let head = "(param i32 i32) (result i32)";
    let configure = honest("configure").replacen(head, &format!("{head}{refuse}"), 1);
    let guest = component_of("reward", &[("describe", &describe), ("configure", &configure), ("work", &work(""))]);
    insta::assert_snapshot!(told(&failed(&guest)), @r#"schema: the schema offers the default of `target`, and `configure` refuses {"target":3}: reward"#);
}

#[test]
fn results_that_were_not_declared() {
    for (file, expected) in [
        ("work-undeclared", "it returned values of `turns.reward`, which its contract does not add"),
        ("work-too-few-results", "it returned 63 results for 64 trajectories"),
    ] {
        let text = std::fs::read_to_string(directory().join(format!("{file}.wat"))).unwrap();
        let failed = failed(&component("reward", "work", &text));
        assert!(failed.contains(&("columns", expected.to_owned())), "{failed:?}");
    }
}

#[test]
fn numbers_that_are_not_finite() {
    let failed = failed_with_reward("(f32.const nan)", "");
    assert!(
        failed.contains(&(
            "columns",
            "trajectory `plain-0`: `reward` is NaN, expected a finite number or none".to_owned()
        )),
        "{failed:?}"
    );
    let turns = "(f32.convert_i32_u (call $turns (local.get $batch) (local.get $row)))";
    insta::assert_snapshot!(told(&failed_with_reward(&format!("(f32.div {turns} {turns})"), "")), @"no turns: trajectory `no-turns-0`: `reward` is NaN, expected a finite number or none");
}

#[test]
fn results_that_depend_on_more_than_their_rows() {
    let place = failed_with_reward("(f32.convert_i32_u (local.get $row))", "");
    insta::assert_snapshot!(told(&place), @"split: trajectory `plain-1`: `reward` is 1 in one call, and 0 one by one");
    let count = "(f32.convert_i32_u (global.get $seen))\n(global.set $seen (i32.add (global.get $seen) (i32.const 1)))";
    let seen = "(global $seen (mut i32) (i32.const 0))";
    // As an operand: the count goes up after it was taken.
    let count = format!("(block (result f32) {count})");
    insta::assert_snapshot!(told(&failed_with_reward(&count, seen)), @"
    again: trajectory `plain-0`: `reward` is 0 the first time, and 64 the second time
    split: trajectory `plain-24`: `reward` is 24 in one call, and 0 in a part of it
    ");
}

#[test]
fn rows_that_break_a_guest() {
    let unless = |condition: &str| format!("(if {condition} (then unreachable))");
    let turns = "(i32.load offset=40 (i32.add (local.get $batch) (i32.mul (local.get $row) (i32.const 108))))";
    let has_turns = "(i32.ne (i32.const 0) (call $turns (local.get $batch) (local.get $row)))";
    let names = |failed: Vec<(&'static str, String)>| failed.into_iter().map(|(name, _)| name).collect::<Vec<_>>();

    let empty = work("").replace("(block $done", "(if (i32.eqz (local.get $count)) (then unreachable))\n(block $done");
    assert_eq!(names(failed(&component("reward", "work", &empty))), ["empty batch"]);

    let divides = "(drop (i32.div_u (i32.const 1) (call $turns (local.get $batch) (local.get $row))))";
    let failed_without = failed_at(divides);
    insta::assert_snapshot!(told(&failed_without), @"no turns: trajectory `no-turns-0`: it trapped: wasm trap: integer divide by zero");

    let first_byte = format!("(i32.ge_u (i32.load8_u (i32.load offset=8 {turns})) (i32.const 128))");
    let not_ascii = format!("(if {has_turns} (then {}))", unless(&first_byte));
    assert_eq!(names(failed_at(&not_ascii)), ["unicode"]);

    let length = format!("(i32.ge_u (i32.load offset=12 {turns}) (i32.const 1048576))");
    let long = format!("(if {has_turns} (then {}))", unless(&length));
    assert_eq!(names(failed_at(&long)), ["huge texts"]);
}

/// One that reads its own column, and takes for granted that it has a value.
#[test]
fn nulls_break_a_guest() {
    let configure = honest("configure")
        .replace("(i32.const 1152) (i32.const 2304)", "(i32.const 1152) (i32.const 2320)")
        .replace("(i32.const 1156) (i32.const 12)", "(i32.const 1156) (i32.const 6)");
    let row = "(i32.add (local.get $batch) (i32.mul (local.get $row) (i32.const 108)))";
    let work = work(&format!("(if (i32.eqz (i32.load8_u offset=60 {row})) (then unreachable))"));
    let failed = failed(&component_of("reward", &[("configure", &configure), ("work", &work)]));
    assert!(
        failed.iter().any(|(name, fault)| *name == "nulls" && fault.starts_with("trajectory `null-reward-1`")),
        "{failed:?}"
    );
}

#[test]
fn memory_that_is_never_freed() {
    let failed = failed(&component("reward", "", ""));
    let [(name, fault)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(*name, "limits");
    assert!(fault.starts_with("memory grows by "), "{fault}");
}

#[test]
fn environments_that_forget_whose_episode_it_is() {
    let environment = |from: &str, to: &str| {
        let work = honest("environment");
        assert!(work.contains(from));
        failed(&component("environment", "work", &(work.replace(from, to) + "(global $seen (mut i32) (i32.const 0))")))
    };
    // The observation has a letter for each step of any episode.
    let length = "(i32.store offset=8 (local.get $step) (i32.const 6))";
    let counted = "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (i32.store offset=8 (local.get $step) (i32.and (global.get $seen) (i32.const 3)))";
    let names: Vec<&str> = environment(length, counted).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["side by side"]);
    let head = "(local $step i32) (local $move i32)";
    let picky = format!(
        "{head}
        (if (i32.eqz (i32.load offset=8 (local.get $moves))) (then unreachable))"
    );
    let names: Vec<&str> = environment(head, &picky).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["actions"]);
    let seed = "(i32.store (i32.const 1296) (local.get $seed))";
    let other = "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (i32.store (i32.const 1296) (global.get $seen))";
    let names: Vec<&str> = environment(seed, other).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["tasks"]);
}

fn recorded(actions: &[&str]) -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    for (row, action) in actions.iter().enumerate() {
        builder.push(&TrajectoryRow {
            trajectory_id: format!("t{row}"),
            group_id: "g".to_owned(),
            success: (row != 1).then_some(true),
            turns: vec![TurnRow { action: (*action).to_owned(), ..TurnRow::default() }],
            ..TrajectoryRow::default()
        });
    }
    builder.finish().unwrap()
}

#[test]
fn recorded_trajectories_have_values_or_errors() {
    let host = Host::new();
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool_penalty/tool_penalty.wasm");
    host.write("guest.wasm", &std::fs::read(guest).unwrap());
    let trial = host.trial(PluginLimits::default()).unwrap();
    let batch = recorded(&["a", "b", "ERROR", "c", "PANIC", "d"]);
    let (check, figures) = trial.recorded(&mut std::iter::once(Ok(batch))).unwrap();
    assert_eq!((figures.trajectories, figures.errors, check.verdict), (6, 2, Verdict::Failed));
    insta::assert_snapshot!(check.did, @"4 trajectories with values, 2 with an error");
    let errors: Vec<&str> = figures.first_errors.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(errors, ["t2", "t4"]);
    assert!(check.faults[0].starts_with("trajectory `t4`: panicked at"), "{:?}", check.faults);
    let reward = &figures.values[0];
    assert_eq!((reward.column.as_str(), reward.values, reward.nulls, reward.numbers), ("reward", 3, 1, Some([1.0; 3])));
}

#[test]
fn recorded_numbers_must_be_finite() {
    let host = Host::new();
    let text = std::fs::read_to_string(directory().join("work-not-a-number.wat")).unwrap();
    host.write("guest.wasm", &component("reward", "work", &text));
    let trial = host.trial(PluginLimits::default()).unwrap();
    let (check, figures) = trial.recorded(&mut std::iter::once(Ok(recorded(&["a", "b"])))).unwrap();
    assert_eq!((figures.trajectories, figures.errors), (2, 1));
    assert_eq!(check.faults, ["trajectory `t1`: `reward` is NaN, expected a finite number or none"]);
}

/// What a language does that looks into its environment before it says what it is, and then asks for the time.
#[cfg(feature = "wasi")]
#[test]
fn guests_that_were_built_to_be_granted_something() {
    let look = "(import \"wasi:cli/environment@0.2.0\" \"get-environment\" (func $look (param i32)))\n";
    let head = "#describe\") (result i32)";
    let describe =
        look.to_owned() + &honest("describe").replace(head, &format!("{head}\n(call $look (i32.const 8192))"));
    let work = std::fs::read_to_string(granted_directory().join("clock.wat")).unwrap();
    let host = Host::new();
    host.write("guest.wasm", &component_of("granted", &[("describe", &describe), ("work", &work)]));
    let checks = checks(&host);
    let check = |name: &str| checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(check("describe").verdict, Verdict::Passed);
    let columns = check("columns");
    insta::assert_snapshot!(format!("{}\n{}", columns.faults[0], columns.help.as_deref().unwrap()), @"
    trajectory `plain-0`: it asked for the clock (`wasi:clocks/wall-clock@0.2.0#now`), which is not granted
        in number
    if it may have that, write `allow: {clock: true}` into the stage
    ");
    let error = host.measured(&mut std::iter::once(Ok(recorded(&["a"])))).unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.help.as_deref().unwrap()), @"
    it asked for the clock (`wasi:clocks/wall-clock@0.2.0#now`), which is not granted
        in number
    if it may have that, write `allow: {clock: true}` into the stage
    ");
    let mut checks = Vec::new();
    let allow = PluginGrants { clock: true, ..PluginGrants::default() };
    host.trial_with(LIMITS, &allow).unwrap().run(&mut |check| checks.push(check));
    let verdict = |name: &str| checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(verdict("columns").verdict, Verdict::Passed);
    let again = verdict("again");
    assert_eq!((again.verdict, again.did.as_str()), (Verdict::Skipped, "not tried: results depend on clock"));
}

#[test]
fn copies_that_cannot_be_are_faults() {
    let work = std::fs::read_to_string(directory().join("work-infinite-weight.relabel.wat")).unwrap();
    insta::assert_snapshot!(told(&failed(&component("relabel", "work", &work))), @"
    columns: trajectory `plain-1`: `turns.weight` of a copy is inf, expected a finite number or none
    split: trajectory `plain-1`: it has an error (``turns.weight` of a copy is inf, expected a finite number or none`) in one call, and it has a value one by one
    unicode: trajectory `unicode-1-日本`: `turns.weight` of a copy is inf, expected a finite number or none
    huge texts: trajectory `huge-turns.action-1`: `turns.weight` of a copy is inf, expected a finite number or none
    limits: memory grows by 395 KiB a call, and would reach its limit after 125 more
    ");
}

#[test]
fn groups_are_measured_whole() {
    let scope = "(i32.store (i32.const 1092) (i32.const 0))";
    let configure = honest("configure").replace(scope, &scope.replace("(i32.const 0)", "(i32.const 1)"));
    let host = Host::new();
    host.write("guest.wasm", &component("reward", "configure", &configure));
    let parts = [recorded(&["a", "b"]), recorded(&["c"])];
    let calls = host.measured(&mut parts.into_iter().map(Ok)).unwrap().calls.unwrap();
    assert_eq!((calls.calls, calls.trajectories), (1, 3), "all are of one group");
}
