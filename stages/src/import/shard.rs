//! A shard of a JSON file: what identifies it, and its rows.

use std::io::Read;

use serde_json::value::RawValue;
use sternlight_engine::stage::{Context, FaultyRecord, Receiver, StageError, TaskContext};
use sternlight_engine::trajectory::TrajectoryBuilder;

use super::chat::Dialect;
use super::json::{Fault, compact};
use super::options::{Format, Options};
use super::place::place;
use super::records::{RecordLimit, Records, Start};
use super::row::{Counts, Imported, Origin};
use super::stream::TextStream;
use super::survey::{JsonFile, Piece};
use super::tally::Tally;
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
        // Places name lines. Where each record is a line of its own, the first record tells the first line.
        let first_line = self.piece.first_line;
        if first_line != self.piece.first_record + 1 {
            key.push(("first line".to_owned(), first_line.to_string()));
        }
        // What other files are called decides it too.
        let policy = &self.file.file.policy;
        key.extend((!policy.is_empty()).then(|| ("policy".to_owned(), policy.clone())));
        key.extend(self.environment.iter().map(|environment| ("environment".to_owned(), environment.clone())));
        key
    }
}

/// Gives the rows of a shard in batches, and what cannot be one. The stream is moved to where the shard begins, and left
/// where it ends.
pub(super) fn read_shard(
    (index, shard): (usize, &Shard),
    stream: &mut TextStream,
    options: &Options,
    task: &TaskContext<'_>,
    receiver: &mut dyn Receiver,
) -> Result<(), StageError> {
    let JsonFile { file, container, format, .. } = &shard.file;
    let piece = &shard.piece;
    stream.skip_to(piece.start).map_err(|error| file.unreadable(&error))?;
    let start = Start { offset: piece.start, record: piece.first_record, line: piece.first_line };
    let limit = RecordLimit::of(task.memory());
    let mut records = Records::of_range(stream.take(piece.end - piece.start), file, *container, start, limit);
    let (mut builder, mut context) = (TrajectoryBuilder::new(), Context::default());
    let (mut counts, mut tally) = (Counts::default(), Tally::default());
    while let Some(record) = records.next()? {
        let origin = Origin { file, index: record.index, environment: shard.environment.as_deref() };
        let imported = match import(*format, record.body, origin, options) {
            Ok(imported) => imported,
            Err(fault) => {
                let at = |name: &str| place(name, *container, record.index, record.line + fault.line);
                receiver.faulty(
                    index,
                    FaultyRecord {
                        error: fault.error().place(at(&file.shown)),
                        place: at(&file.name),
                        raw: raw(record.body),
                    },
                )?;
                continue;
            }
        };
        imported.measure(&mut context);
        tally.count(&imported, &mut context.metrics);
        counts.add(&imported.counts);
        builder.push(&imported.row);
        if builder.bytes() >= BATCH_BYTES || builder.rows() >= BATCH_ROWS {
            receiver.rows(index, builder.finish()?, std::mem::take(&mut context))?;
        }
    }
    // The shard's key holds the digest of what the survey saw: rows of other bytes may not go under it.
    if records.digest() != piece.digest {
        return Err(StageError::new(format!("`{}` changed while it was imported", file.shown)).help("run again"));
    }
    context.warnings.extend(warning(shard, &counts));
    tally.hand_over(file, &mut context.metrics);
    receiver.rows(index, builder.finish()?, context)
}

fn import(format: Format, record: &[u8], origin: Origin<'_>, options: &Options) -> Result<Imported, Fault> {
    match format {
        Format::TauBench => tau_bench::import(record, origin, options),
        Format::OpenaiChat => openai_chat::import(record, Dialect::OpenAi, origin, options),
        Format::Anthropic => openai_chat::import(record, Dialect::Anthropic, origin, options),
        Format::Sternlight => Err(Fault::new("is JSON, expected Parquet")),
    }
}

/// A record as JSON, whatever it is.
fn raw(record: &[u8]) -> String {
    let json = std::str::from_utf8(record).ok().and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    match json.map(compact) {
        Some(Ok(json)) => json,
        _ => serde_json::Value::from(String::from_utf8_lossy(record)).to_string(),
    }
}

/// Calls and results that do not belong together are no error, but worth a look.
fn warning(shard: &Shard, counts: &Counts) -> Option<String> {
    let several = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let found = [
        several(counts.calls_without_result, "call without a result", "calls without a result"),
        several(counts.results_without_call, "result without a call", "results without a call"),
        several(
            counts.late_results,
            "result behind the agent's next message",
            "results behind the agent's next message",
        ),
    ];
    let found: Vec<String> = found.into_iter().flatten().collect();
    (!found.is_empty()).then(|| format!("{}: {}", shard.label(), found.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_as_json() {
        assert_eq!(raw(b"{\"a\" : 1.50, \"a\": []}"), r#"{"a":1.50,"a":[]}"#);
        assert_eq!(raw(b"{\"a\": \"cut"), r#""{\"a\": \"cut""#);
        assert_eq!(raw(b"{\"a\": \"\xe9\"}"), "\"{\\\"a\\\": \\\"\u{fffd}\\\"}\"");
        assert_eq!(raw(br#"{"a": "\ud800"}"#), r#""{\"a\": \"\\ud800\"}""#);
    }
}
