//! x
mod sample_data;

fn main() {}
