//! Writes the input: trajectories of eight turns with texts of their own, as Parquet in our schema or as chat messages
//! in JSON lines. The same numbers give the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::json;
use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

use crate::text::Vocabulary;

const TURNS: usize = 8;
const GROUP_ROWS: usize = 8;
const PROMPT_BYTES: usize = 600;
const OBSERVATION_BYTES: usize = 900;
const ACTION_BYTES: usize = 300;

/// Rows of a file and of its row groups: whole groups, where groups lie together.
const FILE_ROWS: usize = 10_000;
const ROW_GROUP_ROWS: usize = 5_000;
const BATCH_ROWS: usize = 500;

/// The seed of the order of scattered rows, and of trajectories together with their number.
const SEED: u64 = 7;

/// Writes trajectories into files of a directory. `form`: `parquet` or `jsonl`.
pub(crate) fn generate(form: &str, scattered: bool, trajectories: usize, to: &Path) {
    let write = match form {
        "parquet" => write_parquet,
        "jsonl" => write_lines,
        _ => panic!("the form is `{form}`, expected `parquet` or `jsonl`"),
    };
    fs::create_dir_all(to).unwrap();
    // Which place in the order of groups a row has.
    let mut places: Vec<usize> = (0..trajectories).collect();
    if scattered {
        places.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    }
    let vocabulary = Vocabulary::new();
    places.par_chunks(FILE_ROWS).enumerate().for_each(|(file, places)| {
        let rows =
            places.iter().enumerate().map(|(row, place)| trajectory(file * FILE_ROWS + row, *place, &vocabulary));
        write(&mut rows.into_iter(), &to.join(format!("{file:04}.{form}")));
    });
}

fn trajectory(number: usize, place: usize, vocabulary: &Vocabulary) -> TrajectoryRow {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(number as u64);
    let task = place / GROUP_ROWS;
    let mut turns: Vec<TurnRow> = (0..TURNS)
        .map(|_| TurnRow {
            observation: vocabulary.text(OBSERVATION_BYTES, &mut random),
            action: vocabulary.text(ACTION_BYTES, &mut random),
            ..TurnRow::default()
        })
        .collect();
    if let Some(last) = turns.last_mut() {
        last.action.push_str(&format!("<answer>{}</answer>", random.random_range(0..10)));
    }
    TrajectoryRow {
        trajectory_id: format!("trajectory-{number:07}"),
        group_id: format!("task-{task:06}/policy"),
        task_id: Some(format!("task-{task:06}")),
        env: Some("benchmark".to_owned()),
        policy: Some("policy".to_owned()),
        prompt: Some(vocabulary.text(PROMPT_BYTES, &mut random)),
        turns,
        final_observation: Some("the task is over".to_owned()),
        ..TrajectoryRow::default()
    }
}

fn write_parquet(rows: &mut dyn Iterator<Item = TrajectoryRow>, path: &Path) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let schema = Arc::clone(imported_schema().arrow());
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, Some(properties)).unwrap();
    let mut builder = TrajectoryBuilder::new();
    let mut flush = |builder: &mut TrajectoryBuilder| writer.write(builder.finish().unwrap().record_batch()).unwrap();
    for row in rows {
        builder.push(&row);
        if builder.rows() == BATCH_ROWS {
            flush(&mut builder);
        }
    }
    flush(&mut builder);
    writer.close().unwrap();
}

fn write_lines(rows: &mut dyn Iterator<Item = TrajectoryRow>, path: &Path) {
    let mut writer = BufWriter::new(File::create(path).unwrap());
    for row in rows {
        let mut messages = vec![json!({ "role": "system", "content": row.prompt })];
        for turn in &row.turns {
            messages.push(json!({ "role": "user", "content": turn.observation }));
            messages.push(json!({ "role": "assistant", "content": turn.action }));
        }
        messages.push(json!({ "role": "user", "content": row.final_observation }));
        let record = json!({
            "messages": messages,
            "trajectory_id": row.trajectory_id,
            "group_id": row.group_id,
            "task_id": row.task_id,
            "env": row.env,
            "policy": row.policy,
        });
        writeln!(writer, "{record}").unwrap();
    }
    writer.flush().unwrap();
}
