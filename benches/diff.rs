//! How long `sternlight diff` takes over 200,000 trajectories of eight turns in groups of eight, with other rewards and
//! advantages in each. `cargo bench --workspace --bench diff`; docs/performance.md tells what came out.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use parquet::arrow::ArrowWriter;
use rand::RngExt as _;
use rand::SeedableRng as _;
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow};

const TRAJECTORIES: usize = 200_000;
const TURNS: usize = 8;
const GROUP: usize = 8;
const BATCH: usize = 10_000;
const ROUNDS: usize = 5;

const BY_OUTCOME: &str = "\
version: 1
name: outcome
stages:
  import: { uses: import, with: { files: rows.parquet } }
  reward: { uses: reward, from: import, with: { by: outcome } }
  advantage: { uses: advantage, from: reward, with: { estimator: grpo } }
";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    write_rows(&directory.path().join("rows.parquet"))?;
    let by_rules = BY_OUTCOME.replace("{ by: outcome }", "{ by: rules, rules: [{ regex: 'book [0-4]' }] }");
    for (name, text) in [("outcome.yaml", BY_OUTCOME), ("rules.yaml", &by_rules)] {
        std::fs::write(directory.path().join(name), text)?;
        sternlight(directory.path(), &["run", name, "--quiet"])?;
    }
    let mut seconds: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        sternlight(directory.path(), &["diff", "last~1", "last"])?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[ROUNDS / 2];
    println!("diff of {TRAJECTORIES} trajectories × {TURNS} turns: {median:.2} s (median of {ROUNDS})");
    Ok(())
}

fn sternlight(directory: &Path, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Command::new(env!("CARGO_BIN_EXE_sternlight")).args(arguments).current_dir(directory).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

fn write_rows(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut writer: Option<ArrowWriter<File>> = None;
    for first in (0..TRAJECTORIES).step_by(BATCH) {
        let mut builder = TrajectoryBuilder::new();
        for id in first..first + BATCH {
            let turn = |turn: usize| TurnRow {
                observation: format!("screen {turn} of {id}"),
                action: format!("book {}", random.random_range(0..10)),
                ..TurnRow::default()
            };
            builder.push(&TrajectoryRow {
                trajectory_id: format!("trajectory-{id}"),
                group_id: format!("group-{}", id / GROUP),
                turns: (0..TURNS).map(turn).collect(),
                reward: Some(f32::from(u8::from(id % 3 == 0))),
                ..TrajectoryRow::default()
            });
        }
        let batch = builder.finish()?;
        let batch = batch.record_batch();
        if writer.is_none() {
            writer = Some(ArrowWriter::try_new(File::create(path)?, batch.schema(), None)?);
        }
        writer.as_mut().map_or(Ok(()), |writer| writer.write(batch))?;
    }
    writer.map_or(Ok(()), |writer| writer.close().map(drop))?;
    Ok(())
}
