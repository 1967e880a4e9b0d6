//! Writes sternlight's sample recordings: `cargo run --example service_desk -- --out pipelines/data --seed 7`.

use std::path::PathBuf;

use clap::Parser;

mod generator;

use generator::{Mistake, Options, Result, file_texts, generate};

/// As small as zstd makes it without slowing down its readers.
const COMPRESSION_LEVEL: i32 = 19;

/// Generates recorded episodes of a music shop's service desk in τ-bench's format.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder to write `service-desk-N.json.zst` to.
    #[arg(long)]
    out: PathBuf,
    /// What all randomness derives from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many of the 50 tasks.
    #[arg(long, default_value_t = 50)]
    tasks: usize,
    /// Episodes of each task.
    #[arg(long, default_value_t = 8)]
    trials: usize,
    /// Files to spread them over.
    #[arg(long, default_value_t = 4)]
    files: usize,
    /// The agent's skill, from 0 to 100.
    #[arg(long, default_value_t = 50)]
    skill: u64,
}

fn main() -> Result<()> {
    let Arguments { out, seed, tasks, trials, files, skill } = Arguments::parse();
    let generated = generate(&Options { seed, tasks, trials, skill })?;
    std::fs::create_dir_all(&out)?;
    for (number, text) in file_texts(&generated.records, files)?.into_iter().enumerate() {
        let compressed = zstd::encode_all(text.as_bytes(), COMPRESSION_LEVEL)?;
        let path = out.join(format!("service-desk-{number}.json.zst"));
        println!("{}: {} bytes", path.display(), compressed.len());
        std::fs::write(path, compressed)?;
    }
    let successes = generated.records.iter().filter(|record| record.reward == 1.0).count();
    println!("{} episodes, {successes} successful; episodes with each mistake:", generated.records.len());
    for mistake in Mistake::ALL {
        println!("  {mistake:?}: {}", generated.mistakes.get(&mistake).copied().unwrap_or(0));
    }
    Ok(())
}
