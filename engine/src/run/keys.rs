//! Keys of results: everything that decides a part's result, and nothing else.

use super::job::Job;
use super::part::Part;
use crate::artifact::{Artifact, Inputs};
use crate::column::ColumnPath;
use crate::contract::Effect;
use crate::dataset::Shard;
use crate::failure::OnError;
use crate::stage::StageError;
use crate::store::{KeyParts, KeyRecord};

/// Raised when the same answers of a relabeller would make other copies.
const RELABELLING: &str = "1";

/// What every part of a stage has in its key. `run`: the run's id, for results that no other run may use.
pub(crate) fn common_parts(job: &Job<'_>, run: &str) -> KeyParts {
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
        parts.add("relabelled", format!("{RELABELLING} {keep:?} by {}", job.name));
    }
    if !job.cache {
        parts.add("run", run);
    }
    parts
}

/// Adds what comes in beside the data: all of it decides every part.
pub(crate) fn beside_parts(parts: &mut KeyParts, inputs: &Inputs) -> Result<(), StageError> {
    for (port, artifact) in &inputs.beside {
        let digest = match artifact {
            Artifact::Policy(policy) => policy.digest(),
            Artifact::Table(table) => table.digest.clone(),
            Artifact::Dataset(dataset) => {
                let mut contents = KeyParts::default();
                let shards: Vec<&Shard> = dataset.shards.iter().collect();
                shard_parts(&mut contents, &dataset.schema.paths(), &shards)?;
                contents.add("schema", digest(format!("{:?}", dataset.schema.arrow())));
                contents.key().as_str().to_owned()
            }
        };
        parts.add(format!("input {port}"), digest);
    }
    Ok(())
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

pub(crate) fn digest(text: String) -> String {
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

/// The keys of a stage's parts, as a run writes them down.
pub(crate) fn key_records<'a>(job: &'a Job<'_>, parts: &'a [Part]) -> impl Iterator<Item = KeyRecord> + 'a {
    parts.iter().map(|part| KeyRecord {
        stage: job.name.to_owned(),
        label: part.label.clone(),
        key: part.key.clone(),
        parts: part.parts.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::options::RunOptions;
    use super::super::part::StageWork;
    use super::super::shapes::cut;
    use super::*;
    use crate::contract::{Contract, InputTypes, Scope};
    use crate::dataset::{DataFile, Dataset, Facts};
    use crate::failure::FailurePolicy;
    use crate::problem::Problem;
    use crate::stage::{Context, InputFile, Output, Session, Stage, TaskContext, Transform, Work};
    use crate::store::{Key, Store};
    use crate::trajectory::{TrajectoryBatch, TrajectorySchema};

    /// Reads a file of this content.
    struct Reading(&'static str);

    impl Stage for Reading {
        fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
            let input = inputs.data();
            Ok(Contract { reads: input.paths(), scope: Scope::Group, effect: Effect::Subset })
        }

        fn files(&self) -> Vec<InputFile> {
            vec![InputFile { name: "rules.yaml".to_owned(), digest: self.0.to_owned() }]
        }

        fn work(&self) -> Work<'_> {
            Work::Transform(self)
        }
    }

    impl Reading {
        fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
            Err(StageError::new("only its key is asked for"))
        }
    }

    impl Transform for Reading {
        fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
            Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
        }
    }

    fn key(name: &str, version: u32, options: &str, content: &'static str, run: Option<&str>) -> Key {
        key_with(OnError::Fail, name, version, options, content, run)
    }

    fn key_with(
        on_error: OnError,
        name: &str,
        version: u32,
        options: &str,
        content: &'static str,
        run: Option<&str>,
    ) -> Key {
        let (cache, run) = (run.is_none(), run.unwrap_or_default());
        let stage = Reading(content);
        let contract = stage.contract(&(&TrajectorySchema::empty()).into()).unwrap();
        let output = TrajectorySchema::empty();
        let inputs = Vec::new();
        let failure = FailurePolicy { on_error, ..FailurePolicy::default() };
        let (uses, kind, stage) = ("./reading", "reading", &stage);
        let job =
            Job { name, uses, kind, version, options, stage, inputs, contract, output, cache, failure, turn: None };
        common_parts(&job, run).key()
    }

    /// The work of a stage on so many shards whose groups are scattered, and how many digests that took.
    fn scattered(shards: usize) -> (StageWork, usize) {
        let stage = Reading("x");
        let schema = crate::trajectory::imported_schema().project(&["group_id".into(), "reward".into()]);
        let contract = stage.contract(&(&schema).into()).unwrap();
        let shard = |number: usize| Shard {
            label: number.to_string(),
            row_groups: vec![1],
            selection: None,
            columns: schema.paths().into_iter().map(|column| (column, 0)).collect(),
            files: vec![DataFile::of_store(number.to_string(), Default::default(), String::new(), String::new())],
        };
        let nothing = Inputs::nothing("").data;
        let input = Dataset { shards: (0..shards).map(shard).collect(), ..Dataset::clone(&nothing) };
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
            turn: None,
        };
        DIGESTED.set(0);
        let work = cut(&job, Inputs::of(input), (&store, ""), &RunOptions::default()).unwrap();
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
        let first = key("a", 1, "{}", "x", None);
        assert_eq!(first, key("b", 1, "{}", "x", None));
        for other in [
            key("a", 2, "{}", "x", None),
            key("a", 1, "{\"k\":1}", "x", None),
            key("a", 1, "{}", "y", None),
            key("a", 1, "{}", "x", Some("this run")),
            key_with(OnError::Quarantine, "a", 1, "{}", "x", None),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(key("a", 1, "{}", "x", Some("this run")), key("a", 1, "{}", "x", Some("another")));
    }
}
