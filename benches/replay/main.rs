//! The compiled half of the benchmark `replay`: it writes the input and does what the floors do. `run` beside this file
//! calls it, and calls everything that is measured; it measures nothing itself.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read or write has nothing else to do than to stop")]

mod floor;
mod generate;
mod text;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", form, groups, trajectories, to] => {
            let trajectories = trajectories.parse().unwrap();
            generate::generate(form, *groups == "scattered", trajectories, Path::new(to));
        }
        ["floor-columns", from, to] => floor::columns(Path::new(from), Path::new(to)),
        ["floor-copy", from, to] => floor::copy(Path::new(from), Path::new(to)),
        // Cargo hands its own arguments to whatever it calls a benchmark.
        _ => println!("the benchmark is started with `benches/replay/run`"),
    }
}
