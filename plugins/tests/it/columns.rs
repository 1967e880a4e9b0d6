//! Honest guests: what reaches them and what comes out, what is in the key, and what `check` says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use sternlight_engine::contract::{Effect, InputTypes, Keep, Scope};
use sternlight_engine::stage::{Context, LogLevel, Output, PluginLimits, TaskContext, Work};
use sternlight_engine::trajectory::{Relabelled, TrajectoryBatch, TrajectorySchema, TurnEdit};

use super::guest::{Host, batch, component, component_of, honest};

fn problem(problems: Vec<sternlight_engine::problem::Problem>) -> String {
    let line = |problem: &sternlight_engine::problem::Problem| {
        let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
        let help = problem.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
        format!("{}: {}{help}", path.join("."), problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn rewards_and_figures() {
    let host = Host::new();
    host.write("guest.wasm", &component("reward", "", ""));
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let schema = TrajectorySchema::new(batch(&[1]).record_batch().schema());
    let contract = built.stage.contract(&InputTypes::from(&schema)).unwrap();
    let reads: Vec<&str> = contract.reads.iter().map(|path| path.as_str()).collect();
    assert_eq!(reads, ["turns.action", "trajectory_id"]);
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let limit = transform.batch_limit().unwrap();
    assert_eq!((limit.rows, limit.bytes), (256, 16 << 20));
    let mut context = Context::default();
    let Output::Columns(columns) = transform.apply_once(&batch(&[4, 0, 2]), &mut context).unwrap() else { panic!() };
    assert_eq!(columns[0].as_primitive::<Float32Type>().values(), &[4.0, 0.0, 2.0]);
    assert_eq!(context.metrics.counted("scored"), 3);
    assert_eq!(context.metrics.distribution("reward").unwrap().mean, 2.0);
}

#[test]
fn copies_and_how_many() {
    let host = Host::new();
    host.write("guest.wasm", &component("relabel", "", ""));
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let schema = TrajectorySchema::new(batch(&[1]).record_batch().schema());
    let contract = built.stage.contract(&InputTypes::from(&schema)).unwrap();
    assert_eq!(contract.effect, Effect::relabelled(&schema, Keep::Both));
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut context = Context::default();
    let Output::Relabelled(copies) = transform.apply_once(&batch(&[2, 0]), &mut context).unwrap() else { panic!() };
    let copy = |row, turns: Vec<TurnEdit>, keep| Relabelled {
        row,
        prompt: Some("again".to_owned()),
        reward: Some(1.0),
        success: Some(true),
        keep_turns: Some(keep),
        confidence: Some(0.5),
        turns,
        task: None,
    };
    let edit = TurnEdit { turn: 0, reward: None, weight: Some(0.0) };
    assert_eq!(copies, [copy(0, vec![edit], 2), copy(1, Vec::new(), 0)]);
    assert_eq!((context.metrics.counted("copies"), context.metrics.counted("copied trajectories")), (2, 2));
}

#[test]
fn what_a_guest_says_and_measures_is_passed_on() {
    let host = Host::new();
    let work = "
        (data (i32.const 4096) \"oddly shortunscored\")
        (func (export \"sternlight:plugin/reward-stage@1.0.0#score\") (param i32 i32) (result i32)
          (call $log (i32.const 2) (i32.const 4096) (i32.const 11))
          (call $log (i32.const 0) (i32.const 4096) (i32.const 5))
          (call $metric (i32.const 4102) (i32.const 5) (f64.const 1.5))
          (call $metric (i32.const 4107) (i32.const 8) (f64.const 1.5))
          (call $all_null (local.get 1)))";
    host.write("guest.wasm", &component("reward", "work", work));
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    let mut context = Context::default();
    for _ in 0..3 {
        let Output::Columns(columns) = shard.apply(&batch(&[1, 1]), &mut context).unwrap() else { panic!() };
        assert_eq!(columns[0].null_count(), 2);
    }
    let own = "plugin `guest`: the figure `unscored` is left out, as sternlight measures that itself";
    assert_eq!(context.warnings, ["plugin `guest`: oddly short", own]);
    let said = context.log.iter().map(|line| (line.level, line.message.as_str()));
    assert_eq!(said.collect::<Vec<_>>(), [(LogLevel::Warning, "oddly short"); 3]);
    let short = context.metrics.distribution("short").unwrap();
    assert_eq!((short.count, short.mean), (3, 1.5));
    assert_eq!(context.metrics.counted("unscored"), 6);
}

#[test]
fn what_a_guest_says_before_it_traps_is_not_lost() {
    let host = Host::new();
    let work = "
        (data (i32.const 4096) \"too much\")
        (func (export \"sternlight:plugin/reward-stage@1.0.0#score\") (param i32 i32) (result i32)
          (call $log (i32.const 1) (i32.const 4096) (i32.const 8))
          unreachable)";
    host.write("guest.wasm", &component("reward", "work", work));
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut context = Context::default();
    assert!(transform.apply_once(&batch(&[1]), &mut context).is_err());
    let said = context.log.iter().map(|line| (line.level, line.message.as_str()));
    assert_eq!(said.collect::<Vec<_>>(), [(LogLevel::Info, "too much")]);
}

/// The honest contract with another scope (byte 0), rows (byte 1) and state (byte 2).
fn configure_with(qualities: &str) -> String {
    let fresh = "(i32.store (i32.const 1092) (i32.const 0))";
    assert!(honest("configure").contains(fresh));
    honest("configure").replace(fresh, &format!("(i32.store (i32.const 1092) (i32.const {qualities}))"))
}

#[test]
fn state_that_is_kept_goes_from_shard_to_shard_and_is_marked() {
    // Each reward is the number of calls that the instance has had, the first of which traps where it is one for two rows.
    let work = "
        (global $calls (mut i32) (i32.const 0))
        (func (export \"sternlight:plugin/reward-stage@1.0.0#score\") (param $batch i32) (param $count i32) (result i32)
          (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
          (if (i32.and (i32.eq (local.get $count) (i32.const 2)) (i32.eq (global.get $calls) (i32.const 1)))
            (then unreachable))
          (i32.store (i32.const 1600) (i32.const 0))
          (i32.store (i32.const 1604) (i32.const 1))
          (f32.store (i32.const 1608) (f32.convert_i32_u (global.get $calls)))
          (i32.store (i32.const 1612) (i32.const 0))
          (i32.store (i32.const 1624) (i32.const 0))
          (i32.store (i32.const 1628) (i32.const 1))
          (f32.store (i32.const 1632) (f32.convert_i32_u (global.get $calls)))
          (i32.store (i32.const 1636) (i32.const 0))
          (i32.store (i32.const 1216) (i32.const 1600))
          (i32.store (i32.const 1220) (local.get $count))
          (i32.const 1216))";
    let rewards = |configure: &str| {
        let host = Host::new();
        host.write("guest.wasm", &component_of("reward", &[("configure", configure), ("work", work)]));
        let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
        let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
        let shard = |turns: &[usize]| {
            let mut shard = transform.begin(&TaskContext::alone()).unwrap();
            let Output::Columns(columns) = shard.apply(&batch(turns), &mut Context::default()).ok()? else { panic!() };
            Some(columns[0].as_primitive::<Float32Type>().value(0))
        };
        let rewards = [shard(&[1]), shard(&[1]), shard(&[1, 1]), shard(&[1])];
        // The stage is done: whoever comes later finds a fresh one.
        transform.end();
        assert_eq!(shard(&[1]), Some(1.0));
        (rewards, built.stage.not_reproducible())
    };
    let (first, trap) = (Some(1.0), None);
    assert_eq!(rewards(&configure_with("0")), ([first, first, trap, first], Vec::new()));
    let kept = [first, Some(2.0), Some(3.0), Some(4.0)];
    assert_eq!(rewards(&configure_with("0x010000")), (kept, vec!["state".to_owned()]));
}

#[test]
fn a_plugin_says_which_rows_stay() {
    let host = Host::new();
    let configure = configure_with("0x0100")
        .replace("\"turns.action\"", "\"keep\"")
        .replace("\"reward\"", "\"keep\"")
        .replace("\"float32\"", "\"bool\"")
        .replace("(i32.const 12))", "(i32.const 4))")
        .replace("(i32.const 6))", "(i32.const 4))")
        .replace("(i32.const 7))", "(i32.const 4))");
    let echo = "
        (func (export \"sternlight:plugin/batch-stage@1.0.0#process\") (param $ipc i32) (param $length i32) (result i32)
          (i32.store (i32.const 1216) (i32.const 0))
          (i32.store (i32.const 1220) (local.get $ipc))
          (i32.store (i32.const 1224) (local.get $length))
          (i32.store (i32.const 1228) (i32.const 0))
          (i32.store (i32.const 1232) (i32.const 0))
          (i32.const 1216))";
    let adds_a_reward = component_of("batch", &[("configure", &configure_with("0x0100")), ("work", echo)]);
    host.write("guest.wasm", &adds_a_reward);
    let refused = host.load("{}", None, PluginLimits::default()).err().unwrap();
    insta::assert_snapshot!(problem(refused), @"uses: plugin `guest` 1.0.0: its contract cannot be: it leaves out rows, so it adds the column `keep` of type `bool` and nothing else");
    host.write("guest.wasm", &component_of("batch", &[("configure", configure.as_str()), ("work", echo)]));
    let built =
        host.load("{}", None, PluginLimits::default()).unwrap_or_else(|problems| panic!("{}", problem(problems)));
    let wish = BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]);
    let rows = batch(&[1, 2, 0, 1]).record_batch().clone();
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(wish.clone()));
    let known = rows.schema();
    let fields = known.fields().iter().cloned().chain([Arc::new(Field::new("keep", DataType::Boolean, true))]);
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let rows = TrajectoryBatch::new(RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    let contract =
        built.stage.contract(&InputTypes::from(&TrajectorySchema::new(rows.record_batch().schema()))).unwrap();
    assert_eq!(contract.effect, Effect::Subset);
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut context = Context::default();
    let Output::Keep(keep) = transform.apply_once(&rows, &mut context).unwrap() else { panic!("no choice of rows") };
    assert_eq!(keep, wish);
    assert_eq!((context.metrics.counted("rows_kept"), context.metrics.counted("rows_dropped")), (2, 2));
}

#[test]
fn the_key_has_what_decides_results() {
    let host = Host::new();
    host.write("guest.wasm", &component("reward", "", ""));
    let load = |with: &str, limits| {
        let built = host.load(with, None, limits).ok().unwrap();
        (built.kind, built.options, built.stage.files())
    };
    let none = PluginLimits::default();
    let first = load("{}", none);
    assert_eq!(first.0, "plugin");
    assert_eq!(first, load("{}", none));
    assert_ne!(first.1, load("{target: 3}", none).1);
    assert_ne!(first.1, load("{}", PluginLimits { memory: Some(64 << 20), ..none }).1);
    let other = "(func (export \"sternlight:plugin/reward-stage@1.0.0#score\") (param i32 i32) (result i32)
        (call $all_null (local.get 1)))";
    host.write("guest.wasm", &component("reward", "work", other));
    let second = load("{}", none);
    assert_eq!(first.1, second.1);
    assert_ne!(first.2, second.2);
}

#[test]
fn faults_are_placed() {
    let host = Host::new();
    let none = PluginLimits::default();
    let fault = |with: &str, sha256: Option<&str>| problem(host.load(with, sha256, none).err().unwrap());
    let missing = fault("{}", None);
    assert!(missing.starts_with("uses: cannot read the plugin `./guest.wasm`: No such file or directory"), "{missing}");
    host.write("guest.wasm", b"#!/bin/sh");
    insta::assert_snapshot!(fault("{}", None), @"uses: `./guest.wasm` is no WebAssembly");
    host.write("guest.wasm", &wat::parse_str("(module)").unwrap());
    insta::assert_snapshot!(fault("{}", None), @"uses: `./guest.wasm` is a WebAssembly module, expected a component (make a component of it, as the SDKs do)");
    host.write("guest.wasm", &wat::parse_str("(component)").unwrap());
    insta::assert_snapshot!(fault("{}", None), @"uses: `./guest.wasm` cannot be used: it is a component, but no plugin: it exports no interface");
    insta::assert_snapshot!(fault("{}", Some("9f2c")), @"sha256: `9f2c` is no SHA-256: expected 64 hexadecimal digits (the plugin's is `24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29`)");
    insta::assert_snapshot!(fault("{}", Some(&"0".repeat(64))), @"sha256: the plugin's SHA-256 is `24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29`, expected `0000000000000000000000000000000000000000000000000000000000000000` (it is not the file that was pinned: if it should be, change the pin)");
    let schema = r#"{\"type\": \"object\", \"properties\": {\"target\": {\"type\": \"integer\"}}, \"additionalProperties\": false}"#;
    let describe = format!(
        "(data (i32.const 2048) \"guest1.0.0\") (data (i32.const 2080) \"{schema}\")
        (func (export \"sternlight:plugin/plugin@1.0.0#describe\") (result i32)
          (i32.store (i32.const 1024) (i32.const 2048)) (i32.store (i32.const 1028) (i32.const 5))
          (i32.store (i32.const 1032) (i32.const 2053)) (i32.store (i32.const 1036) (i32.const 5))
          (i32.store (i32.const 1040) (i32.const 0)) (i32.store (i32.const 1044) (i32.const 0))
          (i32.store (i32.const 1048) (i32.const 2080)) (i32.store (i32.const 1052) (i32.const {}))
          (i32.const 1024))",
        schema.replace('\\', "").len()
    );
    host.write("guest.wasm", &component("reward", "describe", &describe));
    insta::assert_snapshot!(fault("{traget: 3}", None), @"with.traget: unknown key `traget` (did you mean `target`?)");
    insta::assert_snapshot!(fault("{target: many}", None), @"with.target: expected integer, found `many`");
}

/// Machine code is mapped from the cache: starting again costs next to nothing.
#[test]
fn a_second_process_starts_from_the_cache() {
    let host = Host::new();
    host.write("guest.wasm", &component("reward", "", ""));
    host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let again = host.again();
    let started = Instant::now();
    again.load("{}", None, PluginLimits::default()).ok().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(again.compiled(), 0);
}

/// The honest guest, but that it must see whole groups.
#[test]
fn groups_are_brought_together_and_rows_come_back_in_order() {
    let host = Host::new();
    let configure = honest("configure").replace("(i32.const 1092) (i32.const 0)", "(i32.const 1092) (i32.const 1)");
    host.write("guest.wasm", &component("reward", "configure", &configure));
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let whole = batch(&[1, 2, 3, 4, 5, 6]);
    let contract =
        built.stage.contract(&InputTypes::from(&TrajectorySchema::new(whole.record_batch().schema()))).unwrap();
    assert_eq!(contract.scope, Scope::Group);
    assert!(contract.reads.iter().any(|path| path.as_str() == "group_id"));
    // Of the groups 0, 0, 1, 1, 2, 2.
    let scattered = take_record_batch(whole.record_batch(), &UInt64Array::from(vec![4, 0, 2, 1, 5, 3])).unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let scattered = TrajectoryBatch::new(scattered).unwrap();
    let Output::Columns(columns) = transform.apply_once(&scattered, &mut Context::default()).unwrap() else { panic!() };
    assert_eq!(columns[0].as_primitive::<Float32Type>().values(), &[5.0, 1.0, 3.0, 2.0, 6.0, 4.0]);
}
