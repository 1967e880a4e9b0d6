//! A shard of a JSON file: what identifies it, and its rows.

use std::io::Read;

use sternlight_engine::stage::{Context, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder};

use super::digest::Digest;
use super::json::Fault;
use super::options::{Format, Options};
use super::place::place;
use super::records::{Records, Start};
use super::row::{Counts, Imported, Origin};
use super::stream::TextStream;
use super::survey::{JsonFile, Piece};
use super::{openai_chat, tau_bench};

/// A batch is given out when it holds so many bytes of text, or rows.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_ROWS: usize = 256;

/// A run of records of a JSON file.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) file: JsonFile,
    /// What the file as a whole tells of the environment.
    pub(super) environment: Option<String>,
    pub(super) piece: Piece,
}

impl Shard {
    /// For people.
    pub(super) fn label(&self) -> String {
        let Piece { first_record, records, .. } = self.piece;
        format!("{}, records {first_record}-{}", self.file.file.name, first_record + records.saturating_sub(1))
    }

    /// What decides the rows, besides the options.
    pub(super) fn key(&self) -> Vec<(String, String)> {
        let mut key = vec![
            ("file".to_owned(), self.file.file.name.clone()),
            ("format".to_owned(), self.file.format.name().to_owned()),
            ("first record".to_owned(), self.piece.first_record.to_string()),
            ("digest".to_owned(), self.piece.digest.clone()),
        ];
        key.extend(self.environment.iter().map(|environment| ("environment".to_owned(), environment.clone())));
        key
    }
}

/// Gives the rows of a shard in batches. The stream is moved to where the shard begins, and left where it ends.
pub(super) fn read_shard(
    shard: &Shard,
    stream: &mut TextStream,
    options: &Options,
    emit: &mut dyn FnMut(TrajectoryBatch, Context) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let JsonFile { file, container, format, .. } = &shard.file;
    let piece = &shard.piece;
    stream.skip_to(piece.start).map_err(|error| file.unreadable(&error))?;
    let start = Start { offset: piece.start, record: piece.first_record, line: piece.first_line };
    let mut records = Records::of_range(stream.take(piece.end - piece.start), file, *container, start);
    let (mut builder, mut context) = (TrajectoryBuilder::new(), Context::default());
    let mut digest = Digest::default();
    let mut counts = Counts::default();
    while let Some(record) = records.next()? {
        digest.update(record.span);
        let origin = Origin { file, index: record.index, environment: shard.environment.as_deref() };
        let imported = import(*format, record.body, origin, options).map_err(|fault| {
            let line = record.line + fault.line;
            StageError::new(fault.to_string()).place(place(&file.shown, *container, record.index, line))
        })?;
        imported.measure(&mut context);
        counts.add(imported.counts);
        builder.push(&imported.row);
        if builder.bytes() >= BATCH_BYTES || builder.rows() >= BATCH_ROWS {
            emit(builder.finish()?, std::mem::take(&mut context))?;
        }
    }
    // The shard's key holds the digest of what the survey saw: rows of other bytes may not go under it.
    if digest.finish() != piece.digest {
        return Err(StageError::new(format!("`{}` changed while it was imported", file.shown)).help("run again"));
    }
    context.warnings.extend(warning(shard, counts));
    emit(builder.finish()?, context)
}

fn import(format: Format, record: &[u8], origin: Origin<'_>, options: &Options) -> Result<Imported, Fault> {
    match format {
        Format::TauBench => tau_bench::import(record, origin, options),
        Format::OpenaiChat => openai_chat::import(record, origin, options),
        Format::Sternlight => Err(Fault::new("is JSON, expected Parquet")),
    }
}

/// Calls and results that do not belong together are no error, but worth a look.
fn warning(shard: &Shard, counts: Counts) -> Option<String> {
    let several = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let found = [
        several(counts.calls_without_result, "call without a result", "calls without a result"),
        several(counts.results_without_call, "result without a call", "results without a call"),
    ];
    let found: Vec<String> = found.into_iter().flatten().collect();
    (!found.is_empty()).then(|| format!("{}: {}", shard.label(), found.join(", ")))
}
