//! Much of it: any bytes as results, and many calls of one instance.

use std::path::Path;

use proptest::prelude::*;
use sternlight_engine::stage::{Context, PluginLimits, TaskContext, Work};

use super::guest::{Host, batch, component};

/// Words that mean something as a length, as a place near the results, or as one far off.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![0..8_u32, 8192..8704_u32, Just(u32::MAX), any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever lies where results are read from, the host goes on.
    #[test]
    fn any_bytes_are_a_result_or_a_fault(words in prop::collection::vec(word(), 64), world in 0..3_usize) {
        let bytes: String = words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect();
        let (world, function) = [
            ("batch", "batch-stage@1.0.0#process"),
            ("reward", "reward-stage@1.0.0#score"),
            ("relabel", "relabel-stage@1.0.0#relabel"),
        ][world];
        let work = format!(
            "(data (i32.const 8192) \"{bytes}\")
            (func (export \"sternlight:plugin/{function}\") (param i32 i32) (result i32) (i32.const 8192))"
        );
        let host = Host::new();
        host.write("guest.wasm", &component(world, "work", &work));
        let limits = PluginLimits { memory: Some(16 << 20), ..PluginLimits::default() };
        let built = host.load("{}", None, limits).ok().unwrap();
        let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
        let _ = transform.apply_once(&batch(&[1, 0, 2]), &mut Context::default());
    }
}

/// Pages of memory that this process has.
#[cfg(target_os = "linux")]
fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn ten_thousand_calls_do_not_grow_memory() {
    const PAGES: usize = (8 << 20) / 4096;
    let host = Host::new();
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool_penalty/tool_penalty.wasm");
    host.write("guest.wasm", &std::fs::read(guest).unwrap());
    let built = host.load("{}", None, PluginLimits::default()).ok().unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    let batch = batch(&[3, 0, 2, 5]);
    let mut call = || drop(shard.apply(&batch, &mut Context::default()).unwrap());
    (0..500).for_each(|_| call());
    let before = resident_pages();
    (0..10_000).for_each(|_| call());
    let after = resident_pages();
    assert!(after < before + PAGES, "{before} pages, then {after}");
}

/// What an instance has taken for its first calls is enough for all others. (Memory of an instance is never given back, so
/// what it has at the end is the most that it had.)
#[test]
fn an_instance_takes_no_more_for_many_calls_than_for_few() {
    const CALL: usize = 256;
    let guests =
        ["tests/tool_penalty/tool_penalty.wasm", "examples/tool_call_efficiency/rust/tool_call_efficiency.wasm"];
    for guest in guests {
        let host = Host::new();
        host.write("guest.wasm", &std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(guest)).unwrap());
        assert_eq!(host.memory_after(400 * CALL), host.memory_after(20 * CALL), "{guest}");
    }
}
