//! The stage against the reference on recorded trajectories, as `import` reads them: real group sizes, missing
//! outcomes, rows without turns, observations that recur.

use std::path::{Path, PathBuf};

use arrow::compute::concat_batches;
use sternlight_engine::stage::{BuildContext, Context, Memo, TaskContext, Work};
use sternlight_engine::trajectory::TrajectoryBatch;
use sternlight_stages::registry;

use super::agreement::{OUTCOME, RETURN, assert_agreement};

/// Remembers nothing.
struct Forgetful;

impl Memo for Forgetful {
    fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: &str, _: &[u8]) {}
}

fn imported(options: &str) -> TrajectoryBatch {
    let directory = PathBuf::from(std::env::var_os("STERNLIGHT_RECORDINGS").unwrap());
    let context = BuildContext::new(&directory, Path::new("."));
    let built = registry().get("import").unwrap().build(serde_yaml::from_str(options).unwrap(), &context).unwrap();
    let Work::Source(source) = built.stage.work() else { panic!("import is a source") };
    let survey = source.survey(&Forgetful).unwrap();
    let mut batches = Vec::new();
    for shard in 0..survey.shards.len() {
        source
            .read(&survey, &[shard], &TaskContext::alone(), &mut |_: usize, batch: TrajectoryBatch, _: Context| {
                batches.push(batch.record_batch().clone());
                Ok(())
            })
            .unwrap();
    }
    TrajectoryBatch::new(concat_batches(&batches[0].schema(), &batches).unwrap()).unwrap()
}

/// Recorded tokens, which some options ask for, are in none of these files.
fn assert_agreement_of_all(batch: &TrajectoryBatch) {
    let without_tokens = |with: &&&str| !with.contains("token");
    for with in OUTCOME.iter().chain(&RETURN).filter(without_tokens) {
        assert_agreement(with, batch);
    }
}

#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn recorded_groups_agree() {
    let batch = imported("files: 'tau-bench/*.json.zst'");
    assert_eq!((batch.rows(), batch.turn_count()), (830, 9988));
    assert_agreement_of_all(&batch);
}

/// Whoever acted: larger groups, with both outcomes more often than not.
#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn groups_across_policies_agree() {
    let batch = imported("{files: 'tau-bench/*.json.zst', group_by: task}");
    let groups: std::collections::BTreeSet<_> = batch.text("group_id").unwrap().iter().flatten().collect();
    assert_eq!((batch.rows(), groups.len()), (830, 165));
    assert_agreement_of_all(&batch);
}

/// Nothing is scored: every advantage is null.
#[test]
#[ignore = "needs STERNLIGHT_RECORDINGS"]
fn unscored_chats_agree() {
    let batch = imported("files: 'openai-chat/*.jsonl.zst'");
    assert_eq!(batch.turn_count(), 492);
    assert_agreement_of_all(&batch);
}
