//! How long it takes to list 1,000 runs: makes a store with as many folders, each with the events of a run of eight stages
//! over forty shards, and measures. `cargo bench --workspace --bench list_runs`; docs/performance.md tells what came out.

use std::path::PathBuf;
use std::time::Instant;

use sternlight_engine::event::{Event, Record, RunStatus, StageName, StageResult};
use sternlight_engine::store::{RunFolder, Store, StoreError};

const RUNS: usize = 1000;
const STAGES: usize = 8;
const PARTS: usize = 40;
const ROUNDS: usize = 21;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let mut bytes = 0;
    for _ in 0..RUNS {
        bytes += write_run(&store)?;
    }
    let mut milliseconds: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let runs = store.runs()?;
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(runs.len(), RUNS);
    }
    milliseconds.sort_by(f64::total_cmp);
    println!(
        "{RUNS} runs with {} MB of events: {:.1} ms (median of {ROUNDS}; {:.1} to {:.1})",
        bytes / 1_000_000,
        milliseconds[ROUNDS / 2],
        milliseconds[0],
        milliseconds[ROUNDS - 1]
    );
    Ok(())
}

/// Writes the events of a run; their bytes.
fn write_run(store: &Store) -> Result<u64, StoreError> {
    let mut folder = RunFolder::create(store)?;
    let run = folder.id().to_owned();
    let name = |stage: usize| format!("stage-{stage}");
    let stages = (0..STAGES).map(|stage| StageName { name: name(stage), uses: "reward".to_owned() }).collect();
    let mut events = vec![Event::RunStarted {
        run: run.clone(),
        number: Some(folder.number()),
        pipeline: "bench".to_owned(),
        cell: None,
        file: PathBuf::from("pipelines/bench.yaml"),
        version: "0".to_owned(),
        stages,
    }];
    for stage in 0..STAGES {
        events.push(Event::StageStarted { stage: name(stage), parts: PARTS, cached: 0 });
        events.extend((0..PARTS).map(|part| Event::PartFinished {
            stage: name(stage),
            step: "map".to_owned(),
            part,
            label: format!("recordings/day-{part:03}.jsonl.zst, records 0-4999"),
            seconds: 0.25,
        }));
        let mut result = StageResult { stage: name(stage), rows: 200_000, ..StageResult::default() };
        (0..20).for_each(|metric| result.metrics.observe(format!("metric-{metric}"), 0.1));
        events.push(Event::StageFinished(result));
    }
    let manifest = store.root().join("manifests").join("0".repeat(64) + ".json");
    let datasets = (0..STAGES).map(|stage| (name(stage), manifest.clone())).collect();
    let status = RunStatus::Done;
    events.push(Event::RunFinished { run, status, seconds: 12.5, stages_cached: 0, stages_computed: STAGES, datasets });
    let mut bytes = 0;
    for event in events {
        let record = Record::now(event);
        bytes += serde_json::to_vec(&record).map_or(0, |line| line.len() as u64 + 1);
        folder.record(&record)?;
    }
    Ok(bytes)
}
