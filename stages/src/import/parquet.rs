//! Parquet files that stay where they lie: their footers, their identity, and shards cut at row groups.

use std::io::{Read as _, Seek as _, SeekFrom};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use sternlight_engine::dataset::{FileStamp, guarded};
use sternlight_engine::regular_file;
use sternlight_engine::stage::{Memo, ShardContent, SourceShard, StageError};
use sternlight_engine::trajectory::{SCHEMA_VERSION, SCHEMA_VERSION_KEY, TrajectorySchema};

use super::columns::Columns;
use super::files::InputFile;
use super::options::Identity;
use super::parquet_schema::dataset_schema;

/// A file ends with its footer, the footer's length and the magic number.
const TAIL_BYTES: u64 = 8;

/// A Parquet file whose footer was read.
#[derive(Clone, Debug)]
pub(super) struct ParquetFile {
    pub(super) file: InputFile,
    /// The columns, as the engine will read them.
    pub(super) schema: TrajectorySchema,
    /// Uncompressed bytes of each row group.
    row_groups: Vec<u64>,
    /// Its state from before it was opened.
    stamp: FileStamp,
}

/// Reads a file's footer.
pub(super) fn open(file: &InputFile, columns: Option<&Columns>) -> Result<ParquetFile, StageError> {
    let stamp = FileStamp::of(&file.path).map_err(|error| file.unreadable(&error))?;
    let input = regular_file::open(&file.path).map_err(|error| file.unreadable(&error))?;
    // The embedded Arrow schema says how somebody held the values in memory, not what they are.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = guarded(|| ArrowReaderMetadata::load(&input, options)).map_err(|error| {
        StageError::new(format!("cannot read `{}` as Parquet: {error}", file.shown))
            .help("it may be cut off: the columns are described at the end of the file")
    })?;
    let properties = footer.metadata().file_metadata().key_value_metadata();
    let version = properties
        .and_then(|entries| entries.iter().find(|entry| entry.key == SCHEMA_VERSION_KEY))
        .and_then(|entry| entry.value.as_deref());
    if let Some(version) = version.filter(|version| *version != SCHEMA_VERSION) {
        return Err(StageError::new(format!(
            "`{}` has version {version} of the trajectory schema, expected {SCHEMA_VERSION}",
            file.shown
        ))
        .help("import it with the version of sternlight that wrote it, or a newer one"));
    }
    let schema = dataset_schema(&file.shown, footer.schema(), columns)?;
    let row_groups = footer.metadata().row_groups();
    let row_groups = row_groups.iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).collect();
    Ok(ParquetFile { file: file.clone(), schema, row_groups, stamp })
}

/// The shards of a file: runs of row groups, cut at the first end at or after each multiple of `shard_bytes`.
pub(super) fn shards(
    file: &ParquetFile,
    identity: Identity,
    shard_bytes: u64,
    memo: &dyn Memo,
) -> Result<Vec<SourceShard>, StageError> {
    let (identity, content) = match identity {
        Identity::Stat => (stat_identity(&file.file, &file.stamp)?, None),
        Identity::Content => {
            let content = content_digest(&file.file, memo)?;
            (vec![("content".to_owned(), content.clone())], Some(content))
        }
    };
    if FileStamp::of(&file.file.path).map_err(|error| file.file.unreadable(&error))? != file.stamp {
        return Err(StageError::new(format!("`{}` changed while it was imported", file.file.shown)).help("run again"));
    }
    let (mut shards, mut first, mut end) = (Vec::new(), 0, 0_u64);
    let mut next_cut = shard_bytes;
    for (index, bytes) in file.row_groups.iter().enumerate() {
        end = bytes.saturating_add(end);
        let is_last = index + 1 == file.row_groups.len();
        if end < next_cut && !is_last {
            continue;
        }
        next_cut = (end / shard_bytes + 1).saturating_mul(shard_bytes);
        let row_groups = first..index + 1;
        first = index + 1;
        let mut key = vec![("file".to_owned(), file.file.name.clone())];
        key.extend(identity.iter().cloned());
        key.push(("row groups".to_owned(), format!("{}..{}", row_groups.start, row_groups.end)));
        shards.push(SourceShard {
            label: format!("{}, row groups {}-{}", file.file.name, row_groups.start, row_groups.end - 1),
            key,
            stream: None,
            content: ShardContent::InPlace {
                path: file.file.path.clone(),
                row_groups,
                stamp: file.stamp.clone(),
                content: content.clone(),
            },
        });
    }
    Ok(shards)
}

/// Size, footer and modification time: a footer holds the places and statistics of every column chunk, so that a
/// rewritten file hardly ever keeps its own.
fn stat_identity(file: &InputFile, stamp: &FileStamp) -> Result<Vec<(String, String)>, StageError> {
    let failed = |error: std::io::Error| file.unreadable(&error);
    let mut input = regular_file::open(&file.path).map_err(failed)?;
    let mut tail = [0; TAIL_BYTES as usize];
    input.seek(SeekFrom::Start(stamp.bytes.saturating_sub(TAIL_BYTES))).map_err(failed)?;
    input.read_exact(&mut tail).map_err(failed)?;
    let [a, b, c, d, ..] = tail;
    let footer_bytes = u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL_BYTES;
    input.seek(SeekFrom::Start(stamp.bytes.saturating_sub(footer_bytes))).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(input).map_err(failed)?;
    Ok(vec![
        ("bytes".to_owned(), stamp.bytes.to_string()),
        ("footer".to_owned(), hasher.finalize().to_hex().to_string()),
        ("modified_ns".to_owned(), stamp.modified_ns.to_string()),
    ])
}

/// A digest of all bytes, remembered where the file's state tells that they are unchanged.
fn content_digest(file: &InputFile, memo: &dyn Memo) -> Result<String, StageError> {
    let key = || -> Result<Option<String>, StageError> {
        let stamp = FileStamp::of(&file.path).map_err(|error| file.unreadable(&error))?;
        let facts = format!("{stamp:?}\0{}", file.path.display());
        Ok(stamp.is_settled().then(|| format!("import-content-{}", blake3::hash(facts.as_bytes()).to_hex())))
    };
    let before = key()?;
    if let Some(remembered) = before.as_deref().and_then(|key| memo.get(key)) {
        return Ok(String::from_utf8_lossy(&remembered).into_owned());
    }
    let failed = |error: std::io::Error| file.unreadable(&error);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(regular_file::open(&file.path).map_err(failed)?).map_err(failed)?;
    let digest = hasher.finalize().to_hex().to_string();
    if let Some(key) = before.filter(|before| key().is_ok_and(|after| after.as_ref() == Some(before))) {
        memo.put(&key, digest.as_bytes());
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use sternlight_engine::contract::InputTypes;
    use sternlight_engine::stage::{Source as _, Stage as _};
    use sternlight_engine::trajectory::{TrajectoryBuilder, TrajectoryRow, TurnRow, imported_schema};

    use super::super::testing::{Notes, stage};
    use super::*;

    /// Ten rows in row groups of two.
    fn write(path: &std::path::Path) {
        let mut builder = TrajectoryBuilder::new();
        for number in 0..10 {
            builder.push(&TrajectoryRow {
                trajectory_id: number.to_string(),
                turns: vec![TurnRow { observation: "x".repeat(number), ..TurnRow::default() }],
                ..TrajectoryRow::default()
            });
        }
        let batch = builder.finish().unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let schema = Arc::clone(batch.record_batch().schema_ref());
        let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), schema, Some(properties)).unwrap();
        writer.write(batch.record_batch()).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn shards_are_runs_of_row_groups_in_place() {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("a.parquet"));
        let stage = stage(directory.path(), "files: '*.parquet'", 1500).unwrap();
        let contract = stage.contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap();
        let sternlight_engine::contract::Effect::Source(schema) = contract.effect else { panic!("not a source") };
        assert_eq!(schema.paths(), imported_schema().paths());
        let survey = stage.survey(&Notes::default()).unwrap();
        let mut next = 0;
        for shard in &survey.shards {
            let ShardContent::InPlace { path, row_groups, .. } = &shard.content else { panic!("not in place") };
            assert_eq!((path.as_path(), row_groups.start), (directory.path().join("a.parquet").as_path(), next));
            next = row_groups.end;
            let names: Vec<&str> = shard.key.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["file", "bytes", "footer", "modified_ns", "row groups"]);
        }
        assert_eq!(next, 5);
        assert!(survey.shards.len() > 1);
    }

    #[test]
    fn identity_by_content_does_not_care_for_times() {
        let directory = tempfile::tempdir().unwrap();
        let keys = |name: &str| {
            write(&directory.path().join(name));
            let stage = stage(directory.path(), &format!("{{files: {name}, identity: content}}"), 1 << 20).unwrap();
            let shards = stage.survey(&Notes::default()).unwrap().shards;
            shards[0].key.iter().find(|(name, _)| name == "content").unwrap().1.clone()
        };
        assert_eq!(keys("a.parquet"), keys("b.parquet"));
    }

    #[test]
    fn a_file_cut_in_half_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.parquet");
        write(&path);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let stage = stage(directory.path(), "files: a.parquet", 1 << 20).unwrap();
        let problem = stage.contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap_err().remove(0);
        assert!(problem.message.starts_with("cannot read `a.parquet` as Parquet: "), "{}", problem.message);
    }
}
