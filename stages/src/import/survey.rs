//! Cuts a JSON file into shards in one pass, and remembers where they begin. Not concerned with what records mean,
//! but for what a file as a whole tells about them.

use serde::{Deserialize, Serialize};
use sternlight_engine::dataset::FileStamp;
use sternlight_engine::stage::{Memo, StageError};

use super::files::InputFile;
use super::options::Format;
use super::records::{RecordLimit, Records};
use super::scan::Container;
use super::stream::TextStream;
use super::tau_bench;

/// Decoded bytes of a shard, about: a cut is made at the first record end at or after each multiple, counted from
/// the file's start, so that a file that grew keeps its earlier shards.
pub(super) const SHARD_BYTES: u64 = 64 << 20;

/// Raised whenever the same bytes would be cut or described otherwise: what older versions remembered is not read.
const SURVEY_VERSION: u32 = 2;

/// A JSON file whose container and format are known.
#[derive(Clone, Debug)]
pub(super) struct JsonFile {
    pub(super) file: InputFile,
    pub(super) container: Container,
    pub(super) format: Format,
    pub(super) is_compressed: bool,
}

/// What a pass over a file found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSurvey {
    /// The future shards, in order; together they hold every record.
    pub(super) pieces: Vec<Piece>,
    /// The environment that the file tells, if its format knows such.
    pub(super) environment: Option<String>,
}

/// A run of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    /// Offset in the decoded bytes where it begins: the file's start, or right behind a record.
    pub(super) start: u64,
    /// Offset right behind its last record.
    pub(super) end: u64,
    /// Index of its first record.
    pub(super) first_record: u64,
    /// Number of its records.
    pub(super) records: u64,
    /// Line on which it begins, from 1.
    pub(super) first_line: u64,
    /// blake3 of its bytes, in hexadecimal.
    pub(super) digest: String,
    /// Bytes of its largest record: what reading it takes.
    pub(super) largest: u64,
}

/// Surveys a file, or remembers an earlier survey of the same bytes.
pub(super) fn survey(
    file: &JsonFile,
    shard_bytes: u64,
    limit: RecordLimit,
    memo: &dyn Memo,
) -> Result<FileSurvey, StageError> {
    let key = memo_key(file, shard_bytes)?;
    if let Some(key) = &key
        && let Some(bytes) = memo.get(key)
        && let Ok(remembered) = serde_json::from_slice::<FileSurvey>(&bytes)
        // One that is too large now is told with its line.
        && remembered.pieces.iter().all(|piece| limit.allows(piece.largest))
    {
        return Ok(remembered);
    }
    let found = pass(file, shard_bytes, limit)?;
    // Remembered only if nobody wrote to the file meanwhile.
    if let Some(key) = key
        && memo_key(file, shard_bytes)?.as_ref() == Some(&key)
        && let Ok(bytes) = serde_json::to_vec(&found)
    {
        memo.put(&key, &bytes);
    }
    Ok(found)
}

fn memo_key(file: &JsonFile, shard_bytes: u64) -> Result<Option<String>, StageError> {
    let stamp = FileStamp::of(&file.file.path).map_err(|error| file.file.unreadable(&error))?;
    if !stamp.is_settled() {
        return Ok(None);
    }
    let facts = format!(
        "{SURVEY_VERSION}\0{shard_bytes}\0{:?}\0{:?}\0{stamp:?}\0{}",
        file.container,
        file.format,
        file.file.path.display()
    );
    Ok(Some(format!("import-survey-{}", blake3::hash(facts.as_bytes()).to_hex())))
}

fn pass(file: &JsonFile, shard_bytes: u64, limit: RecordLimit) -> Result<FileSurvey, StageError> {
    let stream = TextStream::open(&file.file.path).map_err(|error| file.file.unreadable(&error))?;
    let mut records = Records::of_file(stream, &file.file, file.container, limit);
    let mut survey = FileSurvey::default();
    let mut environment = None;
    let mut open: Option<Piece> = None;
    let mut next_cut = shard_bytes;
    loop {
        let start = records.position();
        let Some(record) = records.next()? else { break };
        let piece = open.get_or_insert_with(|| Piece {
            start: start.offset,
            end: start.offset,
            first_record: start.record,
            records: 0,
            first_line: start.line,
            digest: String::new(),
            largest: 0,
        });
        piece.end = record.end;
        piece.records += 1;
        piece.largest = piece.largest.max(record.body.len() as u64);
        if file.format == Format::TauBench && environment.is_none() {
            environment = tau_bench::environment(record.body);
        }
        let end = record.end;
        if end >= next_cut {
            next_cut = (end / shard_bytes + 1) * shard_bytes;
            survey.pieces.extend(open.take().map(|piece| Piece { digest: records.digest(), ..piece }));
        }
    }
    survey.pieces.extend(open.map(|piece| Piece { digest: records.digest(), ..piece }));
    survey.environment = environment.map(str::to_owned);
    Ok(survey)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::super::testing::{Notes, input_file};
    use super::*;

    const ANY: RecordLimit = RecordLimit::UNBOUNDED;

    fn lines(directory: &Path, text: &str, age: Duration) -> JsonFile {
        let path = directory.join("runs.jsonl");
        std::fs::write(&path, text).unwrap();
        let times = FileTimes::new().set_modified(SystemTime::now() - age);
        File::options().append(true).open(&path).unwrap().set_times(times).unwrap();
        let file = InputFile { path, ..input_file("runs.jsonl") };
        JsonFile { file, container: Container::Lines, format: Format::OpenaiChat, is_compressed: false }
    }

    /// Until the file has settled: the time of its last change can be set by nobody.
    fn wait_for(file: &JsonFile) {
        while !FileStamp::of(&file.file.path).unwrap().is_settled() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    #[test]
    fn a_file_that_grew_keeps_its_earlier_shards() {
        let directory = tempfile::tempdir().unwrap();
        let text: String = (0..40).map(|number| format!("{{\"n\": {number}}}\n")).collect();
        let file = lines(directory.path(), &text[..200], Duration::ZERO);
        let before = pass(&file, 64, ANY).unwrap();
        let file = lines(directory.path(), &text, Duration::ZERO);
        let after = pass(&file, 64, ANY).unwrap();
        assert!(before.pieces.len() >= 3);
        assert_eq!(before.pieces[..before.pieces.len() - 1], after.pieces[..before.pieces.len() - 1]);
        assert_eq!(after.pieces.iter().map(|piece| piece.records).sum::<u64>(), 40);
        for (piece, next) in after.pieces.iter().zip(&after.pieces[1..]) {
            assert_eq!((piece.end, piece.first_record + piece.records), (next.start, next.first_record));
            assert_eq!(next.first_line, next.first_record + 1);
            assert!(piece.end / 64 > piece.start / 64);
        }
    }

    #[test]
    fn surveys_are_remembered_once_a_file_has_settled() {
        let (directory, notes) = (tempfile::tempdir().unwrap(), Notes::default());
        let fresh = lines(directory.path(), "{}\n", Duration::ZERO);
        survey(&fresh, 64, ANY, &notes).unwrap();
        assert!(notes.0.lock().unwrap().is_empty());
        let settled = lines(directory.path(), "{}\n", Duration::from_secs(60));
        wait_for(&settled);
        let found = survey(&settled, 64, ANY, &notes).unwrap();
        let forged = FileSurvey { environment: Some("remembered".to_owned()), ..found };
        for value in notes.0.lock().unwrap().values_mut() {
            *value = serde_json::to_vec(&forged).unwrap();
        }
        assert_eq!(survey(&settled, 64, ANY, &notes).unwrap(), forged);
        assert_ne!(survey(&settled, 65, ANY, &notes).unwrap(), forged);
        let longer = lines(directory.path(), "{}\n{}\n", Duration::from_secs(60));
        wait_for(&longer);
        assert_eq!(survey(&longer, 64, ANY, &notes).unwrap().pieces[0].records, 2);
    }
}
