//! The compiled half of the benchmark `plugins`: it writes the input and calls stages for batches, as the engine does.
//! `run` beside this file calls it, and holds what it measured against the targets.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read or write has nothing else to do than to stop")]

mod calls;
mod generate;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", trajectories, to] => generate::write(trajectories.parse().unwrap(), Path::new(to)),
        ["calls", uses, with, cache, trajectories, rows, threads] => {
            let stage = calls::Asked { uses, with, cache: Path::new(cache) };
            calls::measure(&stage, trajectories.parse().unwrap(), rows.parse().unwrap(), threads.parse().unwrap());
        }
        // Cargo hands its own arguments to whatever it calls a benchmark.
        _ => println!("the benchmark is started with `benches/plugins/run`"),
    }
}
