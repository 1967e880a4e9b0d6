//! Trajectories of eight turns with a kibibyte of text in what was observed and done. The same numbers give the same bytes.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

const TURNS: usize = 8;
const GROUP_ROWS: usize = 8;
const TEXT_BYTES: usize = 64;

/// Rows of a file, of its row groups, and of what is written at once.
const FILE_ROWS: usize = 25_000;
const ROW_GROUP_ROWS: usize = 5_000;
const WRITTEN_ROWS: usize = 1_000;

/// One text in so many holds what an expression looks for, for each of them: that it is not found is the usual case, as in
/// real episodes, and every text is searched to its end.
const FOUND_ONCE_IN: u32 = 400;
const FOUND: [&str; 2] = ["37 results ", "timed out "];

/// The seed, together with a trajectory's number.
const SEED: u64 = 7;

const WORDS: [&str; 24] = [
    "search", "open", "the", "customer", "refund", "order", "results", "items", "driver", "page", "ticket", "click",
    "and", "flight", "booking", "for", "return", "policy", "with", "account", "address", "update", "list", "price",
];

/// Some trajectories from a number on.
pub(crate) fn batch(from: usize, count: usize) -> TrajectoryBatch {
    let mut builder = TrajectoryBuilder::new();
    (from..from + count).for_each(|number| builder.push(&trajectory(number)));
    builder.finish().unwrap()
}

fn trajectory(number: usize) -> TrajectoryRow {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(number as u64);
    let turn = |_| TurnRow { observation: text(&mut random), action: text(&mut random), ..TurnRow::default() };
    TrajectoryRow {
        trajectory_id: format!("trajectory-{number:07}"),
        group_id: format!("task-{:06}", number / GROUP_ROWS),
        turns: (0..TURNS).map(turn).collect(),
        ..TrajectoryRow::default()
    }
}

fn text(random: &mut ChaCha8Rng) -> String {
    let mut text = String::with_capacity(TEXT_BYTES + 32);
    for found in FOUND {
        if random.random_range(0..FOUND_ONCE_IN) == 0 {
            text.push_str(found);
        }
    }
    while text.len() < TEXT_BYTES {
        // A number is never followed by a word that the expression wants.
        match random.random_range(0..8) {
            0 => text.push_str(&format!("{}, ", random.random_range(0..1000))),
            _ => {
                text.push_str(WORDS[random.random_range(0..WORDS.len())]);
                text.push(' ');
            }
        }
    }
    text.truncate(TEXT_BYTES);
    text
}

/// Writes trajectories into Parquet files of a directory.
pub(crate) fn write(trajectories: usize, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (file, start) in (0..trajectories).step_by(FILE_ROWS).enumerate() {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let path = to.join(format!("{file:04}.parquet"));
        let schema = Arc::clone(imported_schema().arrow());
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, Some(properties)).unwrap();
        let end = (start + FILE_ROWS).min(trajectories);
        for from in (start..end).step_by(WRITTEN_ROWS) {
            writer.write(batch(from, WRITTEN_ROWS.min(end - from)).record_batch()).unwrap();
        }
        writer.close().unwrap();
    }
}
