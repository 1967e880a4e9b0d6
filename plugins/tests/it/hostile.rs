//! What is said about each hostile guest, and that the host goes on after it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Float32Type;
use sternlight_engine::contract::InputTypes;
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{Built, Context, Output, PluginLimits, TaskContext, Work};
use sternlight_engine::trajectory::TrajectorySchema;

use super::guest::{Host, batch, component, directory};

/// No case takes longer: calls are ended after 100 ms, and searched for their culprit.
const LONGEST: Duration = Duration::from_secs(30);

fn limits() -> PluginLimits {
    PluginLimits { memory: Some(16 << 20), call_time: Some(Duration::from_millis(100)) }
}

fn told(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let path: Vec<String> = problem.path.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "check, {}: {}", path.join("."), problem.message);
        if let Some(help) = &problem.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    text
}

/// Works on five trajectories, of which the fourth has three turns.
fn work(built: &Built) -> String {
    let batch = batch(&[1, 2, 0, 3, 1]);
    let missing = built.stage.contract(&InputTypes::from(&TrajectorySchema::new(batch.record_batch().schema())));
    let contract = match missing {
        Ok(contract) => contract,
        Err(problems) => return told(&problems),
    };
    let schema = TrajectorySchema::new(batch.record_batch().schema());
    if let Some(path) = contract.reads.iter().find(|path| !schema.has(path.as_str())) {
        return format!("check: it reads `{path}`, which nothing upstream provides\n");
    }
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    match shard.apply(&batch, &mut Context::default()) {
        Ok(Output::Columns(columns)) => format!("{:?}\n", &columns[0].as_primitive::<Float32Type>().values()[..]),
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            let mut text = format!("{error}\n");
            if let Some(help) = &error.help {
                let _ = writeln!(text, "  help: {help}");
            }
            text
        }
    }
}

#[test]
fn each_hostile_guest_has_its_error_and_the_host_goes_on() {
    let host = Host::new();
    let mut files: Vec<_> = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut checked = 0;
    let mut wrong = String::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wat")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let (stem, world) = match name.split_once('.') {
            Some(parts) => parts,
            None if text.contains("(import \"wasi:") => (name, "wanting"),
            None => (name, "reward"),
        };
        host.write("guest.wasm", &component(world, stem.split('-').next().unwrap(), &text));
        let started = Instant::now();
        let found = match host.load("{}", None, limits()) {
            Ok(built) => work(&built),
            Err(problems) => told(&problems),
        };
        assert!(started.elapsed() < LONGEST, "{name} took {:?}", started.elapsed());
        let expected_path = file.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected_path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if found != expected {
            let _ = writeln!(wrong, "--- {name}\nexpected: {expected}found: {found}");
        }
        checked += 1;
        host.write("guest.wasm", &component("reward", "", ""));
        assert_eq!(work(&host.load("{}", None, limits()).ok().unwrap()), "[1.0, 2.0, 0.0, 3.0, 1.0]\n", "after {name}");
    }
    assert!(checked > 40, "{checked} guests");
    assert!(wrong.is_empty(), "{wrong}write them anew with UPDATE=1");
}

/// A call that hangs ends no other: shards are worked on side by side.
#[test]
fn other_shards_finish() {
    let host = Host::new();
    let text = std::fs::read_to_string(directory().join("work-slow-for-one.wat")).unwrap();
    host.write("guest.wasm", &component("reward", "work", &text));
    let built = host.load("{}", None, limits()).ok().unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    std::thread::scope(|scope| {
        let shards: Vec<_> = (0..4)
            .map(|index| {
                scope.spawn(move || {
                    let turns = if index == 1 { [1, 3, 1, 1] } else { [1, 2, 0, 1] };
                    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
                    shard.apply(&batch(&turns), &mut Context::default()).map(|_| ()).map_err(|error| error.trajectory)
                })
            })
            .collect();
        let ends: Vec<_> = shards.into_iter().map(|shard| shard.join().unwrap()).collect();
        assert_eq!(ends, [Ok(()), Err(Some("t1".to_owned())), Ok(()), Ok(())]);
    });
}

/// An instance that failed is replaced: the next batch of the shard gets another one.
#[test]
fn a_shard_goes_on_after_a_trap() {
    let host = Host::new();
    let text = std::fs::read_to_string(directory().join("work-divides-by-zero.wat")).unwrap();
    host.write("guest.wasm", &component("reward", "work", &text));
    let built = host.load("{}", None, limits()).ok().unwrap();
    let Work::Transform(transform) = built.stage.work() else { panic!("a plugin is a transform") };
    let mut shard = transform.begin(&TaskContext::alone()).unwrap();
    assert!(shard.apply(&batch(&[3]), &mut Context::default()).is_err());
    let Output::Columns(columns) = shard.apply(&batch(&[1, 2]), &mut Context::default()).unwrap() else { panic!() };
    assert_eq!((columns[0].len(), columns[0].null_count()), (2, 2));
}
