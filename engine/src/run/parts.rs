//! Cuts a stage's work into parts and gives each its key: everything that decides the result, and nothing else.

use std::sync::Arc;

use super::engine::RunOptions;
use super::found::Found;
use super::job::Job;
use super::relabel;
use super::source::Surveying;
use crate::column::ColumnPath;
use crate::contract::{Effect, Scope};
use crate::dataset::{Dataset, Shard, decoded_bytes};
use crate::failure::OnError;
use crate::stage::{ExportedFile, ShardContent, SourceShard, StageError, Survey, Work};
use crate::store::{Commit, Key, KeyParts, Outcome, Store};

/// A piece of a stage's work that is computed, committed and cached as one.
pub(crate) struct Part {
    /// What it covers, for people.
    pub(crate) label: String,
    /// Shards of the input; of the survey for a source.
    pub(crate) shards: Vec<usize>,
    pub(crate) key: Key,
    pub(crate) parts: KeyParts,
    /// The result, if it is there.
    pub(crate) commit: Option<Arc<Commit>>,
}

impl Part {
    /// The result, if it is there now. What it has in common with that of another part is held in memory only once.
    pub(crate) fn committed(
        &self,
        store: &Store,
        other: Option<&Arc<Commit>>,
    ) -> Result<Option<Arc<Commit>>, StageError> {
        let Some(mut commit) = store.committed(&self.key)? else { return Ok(None) };
        commit.parts = self.parts.clone();
        other.into_iter().for_each(|other| commit.share_with(other));
        Ok(Some(Arc::new(commit)))
    }
}

/// A stage's work, cut.
pub(crate) struct StageWork {
    /// What it reads; empty for a source.
    pub(crate) input: Arc<Dataset>,
    /// What a source found.
    pub(crate) survey: Option<Survey>,
    /// What every part has in its key.
    pub(crate) common: KeyParts,
    /// Whether rows of all shards must be brought together before they can be computed.
    pub(crate) is_gathered: bool,
    pub(crate) parts: Vec<Part>,
    /// Bytes that the run may use.
    pub(crate) memory: u64,
}

/// Plans a stage whose inputs are all there.
pub(crate) fn plan_stage(
    job: &Job<'_>,
    input: Arc<Dataset>,
    store: &Store,
    options: &RunOptions,
) -> Result<StageWork, StageError> {
    let common = common_parts(job, options);
    let mut survey = None;
    let mut is_gathered = false;
    let drafts: Vec<(String, Vec<usize>, KeyParts)> = match job.stage.work() {
        Work::Source(source) => {
            let found = source.survey(&Surveying { store, memory: options.memory })?;
            let drafts =
                found.shards.iter().enumerate().map(|(index, shard)| source_part(&common, index, shard)).collect();
            survey = Some(found);
            drafts
        }
        Work::Transform(_) => {
            let reads = job.needs(&input.schema);
            let all: Vec<&Shard> = input.shards.iter().collect();
            is_gathered = !is_by_shard(job, &input, &reads, options)?;
            let mut begun = common.clone();
            if matches!(job.contract.effect, Effect::Relabelled { .. }) {
                begun.add("schema", digest(format!("{:?}", input.schema.arrow())));
            }
            if is_gathered {
                // Each part depends on all shards: what is to be known of them is digested once, whatever their number.
                shard_parts(&mut begun, &reads, &all)?;
            }
            let mut drafts = Vec::with_capacity(all.len());
            for (index, shard) in all.iter().enumerate() {
                let mut parts = begun.clone();
                if is_gathered {
                    parts.add("shard", index.to_string());
                } else {
                    shard_parts(&mut parts, &reads, &[shard])?;
                }
                drafts.push((shard.label.clone(), vec![index], parts));
            }
            drafts
        }
        Work::Sink(whole) => {
            let sample = options.limit.map(|groups| whole.sample(groups));
            let sink = sample.as_deref().unwrap_or(whole);
            let all: Vec<&Shard> = input.shards.iter().collect();
            let mut parts = common.clone();
            shard_parts(&mut parts, &input.schema.paths(), &all)?;
            parts.add("schema", digest(format!("{:?}", input.schema.arrow())));
            parts.add("lineage", digest(format!("{:?}", input.lineage)));
            let target = sink.target().path;
            parts.add("target", target.to_string_lossy());
            if let Some(groups) = options.limit {
                parts.add("sample", groups.to_string());
            }
            vec![(target.display().to_string(), (0..all.len()).collect(), parts)]
        }
    };
    let mut parts: Vec<Part> = Vec::with_capacity(drafts.len());
    for (label, shards, key_parts) in drafts {
        let part = Part { label, shards, key: key_parts.key(), parts: key_parts, commit: None };
        let before = parts.last().and_then(|part| part.commit.as_ref());
        let commit = part.committed(store, before)?.filter(|commit| is_intact(&commit.outcome));
        parts.push(Part { commit, ..part });
    }
    Ok(StageWork { input, survey, common, is_gathered, parts, memory: options.memory })
}

/// What every part of a stage has in its key.
fn common_parts(job: &Job<'_>, options: &RunOptions) -> KeyParts {
    let mut parts = KeyParts::default();
    parts.add("stage", job.kind);
    parts.add("version", job.version.to_string());
    parts.add("options", job.options);
    for file in job.stage.files() {
        parts.add(format!("file {}", file.name), file.digest);
    }
    if job.failure.on_error == OnError::Quarantine {
        // The rows put aside say by which stage.
        parts.add("on_error", format!("quarantine by {}", job.name));
    }
    if let Effect::Relabelled { keep, .. } = &job.contract.effect {
        // The ids of copies say by which stage.
        parts.add("relabelled", format!("{} {keep:?} by {}", relabel::VERSION, job.name));
    }
    if !job.cache {
        parts.add("run", options.nonce.as_str());
    }
    parts
}

fn source_part(common: &KeyParts, index: usize, shard: &SourceShard) -> (String, Vec<usize>, KeyParts) {
    let mut parts = common.clone();
    for (name, value) in &shard.key {
        parts.add(name.as_str(), value.as_str());
    }
    if let ShardContent::InPlace { path, .. } = &shard.content {
        // The result is a reference to this very file.
        parts.add("in place", path.to_string_lossy());
    }
    (shard.label.clone(), vec![index], parts)
}

/// Adds what of some shards decides a result that is made from these columns.
pub(crate) fn shard_parts(parts: &mut KeyParts, reads: &[ColumnPath], shards: &[&Shard]) -> Result<(), StageError> {
    for column in reads {
        let mut all = blake3::Hasher::new();
        for shard in shards {
            all.update(column_digest(shard, column)?.as_bytes());
        }
        parts.add(format!("column {column}"), all.finalize().to_hex().to_string());
    }
    parts.add("row groups", digest_of_each(shards.iter().map(|shard| &shard.row_groups)));
    parts.add("selection", digest_of_each(shards.iter().map(|shard| &shard.selection)));
    Ok(())
}

/// Whether each shard has all that the stage must see at once, and that is not too much.
fn is_by_shard(job: &Job<'_>, input: &Dataset, reads: &[ColumnPath], options: &RunOptions) -> Result<bool, StageError> {
    let is_complete = match job.contract.scope {
        Scope::Trajectory => return Ok(true),
        Scope::Group => input.facts.within_shards,
        Scope::Dataset => input.shards.len() < 2,
    };
    if !is_complete {
        return Ok(false);
    }
    for shard in &input.shards {
        if decoded_bytes(&input.root, &input.schema, shard, reads)? > options.partition_bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
thread_local! {
    /// How many digests of columns this thread asked for: cost is tested by counting.
    static DIGESTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Turn counts are told by any column of the turns.
fn column_digest(shard: &Shard, column: &ColumnPath) -> Result<String, StageError> {
    #[cfg(test)]
    DIGESTED.set(DIGESTED.get() + 1);
    let known = if column.is_turn_counts() {
        shard.columns.keys().find(|path| path.turn_name().is_some())
    } else {
        Some(column)
    };
    known
        .and_then(|column| shard.digest_of(column))
        .ok_or_else(|| StageError::new(format!("shard `{}` has no column `{column}`", shard.label)))
}

fn digest(text: String) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The digest of a list as it is printed, without a text of it all.
fn digest_of_each<T: std::fmt::Debug>(values: impl Iterator<Item = T>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (index, value) in values.enumerate() {
        let before = if index == 0 { "[" } else { ", " };
        hasher.update(format!("{before}{value:?}").as_bytes());
    }
    hasher.update(if hasher.count() == 0 { b"[]" } else { b"]" });
    hasher.finalize().to_hex().to_string()
}

/// Whether what was exported still lies where it was written, byte for byte.
fn is_intact(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Exported(exported) => exported.files.iter().all(is_as_written),
        _ => true,
    }
}

/// Whether an exported file is there, byte for byte, and no link.
pub(crate) fn is_as_written(file: &ExportedFile) -> bool {
    let has_length = std::fs::symlink_metadata(&file.path).is_ok_and(|metadata| metadata.len() == file.bytes);
    has_length && matches!(Found::at(&file.path), Ok(Found::File(seen)) if seen.digest == file.digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contract;
    use crate::dataset::{DataFile, Facts};
    use crate::failure::FailurePolicy;
    use crate::problem::Problem;
    use crate::stage::{InputFile, Output, Stage, Transform};
    use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

    /// Reads a file of this content.
    struct Reading(&'static str);

    impl Stage for Reading {
        fn contract(&self, input: &TrajectorySchema) -> Result<Contract, Vec<Problem>> {
            Ok(Contract { reads: input.paths(), scope: Scope::Group, effect: Effect::Subset })
        }

        fn files(&self) -> Vec<InputFile> {
            vec![InputFile { name: "rules.yaml".to_owned(), digest: self.0.to_owned() }]
        }

        fn work(&self) -> Work<'_> {
            Work::Transform(self)
        }
    }

    impl Transform for Reading {
        fn apply(&self, _: &TrajectoryBatch, _: &mut crate::stage::Context) -> Result<Output, StageError> {
            Err(StageError::new("only its key is asked for"))
        }
    }

    fn key(name: &str, version: u32, options: &str, content: &'static str, cache: bool) -> Key {
        key_with(OnError::Fail, name, version, options, content, cache)
    }

    fn key_with(on_error: OnError, name: &str, version: u32, options: &str, content: &'static str, cache: bool) -> Key {
        let stage = Reading(content);
        let contract = stage.contract(&TrajectorySchema::empty()).unwrap();
        let output = TrajectorySchema::empty();
        let inputs = Vec::new();
        let failure = FailurePolicy { on_error, ..FailurePolicy::default() };
        let (uses, kind, stage) = ("./reading", "reading", &stage);
        let job = Job { name, uses, kind, version, options, stage, inputs, contract, output, cache, failure };
        common_parts(&job, &RunOptions::default()).key()
    }

    /// The work of a stage on so many shards whose groups are scattered, and how many digests that took.
    fn scattered(shards: usize) -> (StageWork, usize) {
        let stage = Reading("x");
        let schema = crate::trajectory::imported_schema().project(&["group_id".into(), "reward".into()]);
        let contract = stage.contract(&schema).unwrap();
        let shard = |number: usize| Shard {
            label: number.to_string(),
            row_groups: vec![1],
            selection: None,
            columns: schema.paths().into_iter().map(|column| (column, 0)).collect(),
            files: vec![DataFile::of_store(number.to_string(), Default::default(), String::new(), String::new())],
        };
        let input = Dataset { shards: (0..shards).map(shard).collect(), ..super::super::commits::nothing("".as_ref()) };
        let input = Arc::new(Dataset { schema: schema.clone(), facts: Facts::default(), ..input });
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let job = Job {
            name: "a",
            uses: "reading",
            kind: "reading",
            version: 1,
            options: "{}",
            stage: &stage,
            inputs: Vec::new(),
            contract,
            output: schema,
            cache: true,
            failure: FailurePolicy::default(),
        };
        DIGESTED.set(0);
        let work = plan_stage(&job, input, &store, &RunOptions::default()).unwrap();
        (work, DIGESTED.get())
    }

    #[test]
    fn what_all_shards_have_to_do_with_a_part_is_digested_once() {
        let ((few, of_few), (many, of_many)) = (scattered(10), scattered(20));
        assert!(few.is_gathered && many.is_gathered);
        assert_eq!((few.parts.len(), many.parts.len()), (10, 20));
        assert_eq!((of_few, of_many), (20, 40), "two columns of each shard");
        let length = |work: &StageWork| -> usize {
            work.parts[7].parts.iter().map(|(name, value)| name.len() + value.len()).sum()
        };
        assert_eq!(length(&few), length(&many));
        // Any of the shards decides all of the parts, and what it is in is still told.
        assert_eq!(
            few.parts[3].parts.differing(&many.parts[3].parts),
            ["column group_id", "column reward", "row groups", "selection"]
        );
        assert_eq!(few.parts[3].parts.differing(&few.parts[4].parts), ["shard"]);
    }

    #[test]
    fn a_list_is_digested_as_it_is_printed() {
        for list in [vec![], vec![vec![1_u64]], vec![vec![1, 2], vec![3]]] {
            assert_eq!(digest_of_each(list.iter()), digest(format!("{list:?}")));
        }
    }

    #[test]
    fn what_decides_a_result_is_in_its_key_and_a_name_is_not() {
        let first = key("a", 1, "{}", "x", true);
        assert_eq!(first, key("b", 1, "{}", "x", true));
        for other in [
            key("a", 2, "{}", "x", true),
            key("a", 1, "{\"k\":1}", "x", true),
            key("a", 1, "{}", "y", true),
            key("a", 1, "{}", "x", false),
            key_with(OnError::Quarantine, "a", 1, "{}", "x", true),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(key("a", 1, "{}", "x", false), key("a", 1, "{}", "x", false));
    }
}
