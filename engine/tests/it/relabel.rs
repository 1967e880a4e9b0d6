//! Stages that make copies of rows under other goals: the copies lie behind the rows that they are of, which stay where
//! they are, and nothing depends on threads, batches or faulty neighbours.

use std::collections::BTreeMap;

use arrow::array::Array as _;
use proptest::prelude::*;
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Keep, Scope};
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::failure::{FailurePolicy, OnError};
use sternlight_engine::problem::Problem;
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::{Context, Output, Session, Stage, StageError, TaskContext, Transform, Work};
use sternlight_engine::trajectory::{Relabelled, TrajectoryBatch, TrajectoryRow, TurnEdit, validate};

use crate::fixtures::{AtLeast, Centre, Chain, Ran, Rows, centred, digests, options, row, rows, store};

/// Copies every row without reward as often as it has turns, each time one turn longer, and calls that a success.
struct Achieved {
    keep: Keep,
    /// Of this id no copy can be made.
    faulty: &'static str,
}

const BOTH: Achieved = Achieved { keep: Keep::Both, faulty: "" };
const RELABELLED: Achieved = Achieved { keep: Keep::Relabelled, faulty: "" };

fn achieved(row: usize, turns: usize) -> impl Iterator<Item = Relabelled> {
    (1..=turns).map(move |kept| Relabelled {
        row,
        prompt: Some(format!("Do {kept}.")),
        reward: Some(1.0),
        keep_turns: Some(kept),
        confidence: Some(0.5),
        turns: vec![TurnEdit { turn: kept - 1, reward: Some(1.0), weight: None }],
        ..Relabelled::default()
    })
}

impl Stage for Achieved {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let reads = ["trajectory_id", "reward"].map(ColumnPath::from).to_vec();
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::relabelled(input, self.keep) })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Achieved {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        assert!(batch.column("turns.action").is_none(), "only what it reads reaches a stage");
        let (ids, rewards) = (batch.text("trajectory_id")?, batch.float("reward")?);
        if ids.iter().flatten().any(|id| id == self.faulty) {
            return Err(StageError::new("nothing was achieved").trajectory(self.faulty));
        }
        let unscored = (0..batch.rows()).filter(|row| rewards.is_null(*row));
        let copies: Vec<Relabelled> = unscored.flat_map(|row| achieved(row, batch.turns_of(row).len())).collect();
        context.metrics.count("copies", copies.len() as u64);
        Ok(Output::Relabelled(copies))
    }
}

impl Transform for Achieved {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// What is looked at of a row: source, reward, actions, the last observation, and whether it is a copy.
type Seen = (Option<String>, Option<f32>, Vec<String>, Option<String>, Option<bool>);

/// What is expected of the rows with these ids.
fn expected(all: &[TrajectoryRow], keep: Keep) -> BTreeMap<String, Seen> {
    let mut expected = BTreeMap::new();
    for row in all {
        let actions = |kept: usize| row.turns[..kept].iter().map(|turn| turn.action.clone()).collect::<Vec<_>>();
        if keep == Keep::Both {
            let seen = (None, row.reward, actions(row.turns.len()), row.final_observation.clone(), Some(false));
            expected.insert(row.trajectory_id.clone(), seen);
        }
        for kept in (1..=row.turns.len()).filter(|_| row.reward.is_none()) {
            let last = row.turns.get(kept).map(|turn| turn.observation.clone()).or(row.final_observation.clone());
            let seen = (Some(row.trajectory_id.clone()), Some(1.0), actions(kept), last, Some(true));
            expected.insert(format!("{}#achieved-{kept}", row.trajectory_id), seen);
        }
    }
    expected
}

fn batches(dataset: &Dataset) -> Vec<TrajectoryBatch> {
    let read = |shard| dataset.read(shard, &dataset.schema.paths(), BatchLimit::default()).unwrap();
    dataset.shards.iter().flat_map(read).map(Result::unwrap).collect()
}

fn seen(dataset: &Dataset) -> BTreeMap<String, Seen> {
    let mut rows = BTreeMap::new();
    for batch in batches(dataset) {
        assert_eq!(validate(&batch), []);
        let text = |path: &str, index: usize| {
            let array = batch.text(path).unwrap();
            array.is_valid(index).then(|| array.value(index).to_owned())
        };
        let copies = batch.boolean("relabelled").unwrap();
        for row in 0..batch.rows() {
            let seen = (
                text("source_trajectory_id", row),
                batch.float("reward").unwrap().iter().nth(row).unwrap(),
                batch.turns_of(row).map(|turn| text("turns.action", turn).unwrap()).collect(),
                text("final_observation", row),
                copies.is_valid(row).then(|| copies.value(row)),
            );
            assert_eq!(rows.insert(text("trajectory_id", row).unwrap(), seen), None);
        }
    }
    rows
}

fn run(source: &Rows, stage: &Achieved, options: &RunOptions, on_error: OnError) -> (Ran, tempfile::TempDir) {
    let (directory, store) = store();
    let chain = Chain { stages: vec![("rows", source), ("some", &AtLeast(1)), ("achieved", stage)] };
    let policy = FailurePolicy { on_error, ..FailurePolicy::default() };
    let ran = chain.run_with(&store, options, &[("achieved", policy)]).unwrap();
    assert_eq!(ran.stages[2].metrics.counted("copies"), copies_in(&seen(&ran.dataset)));
    (ran, directory)
}

fn copies_in(rows: &BTreeMap<String, Seen>) -> u64 {
    rows.values().filter(|(source, ..)| source.is_some()).count() as u64
}

/// Rows with something to see at their end, in shards.
fn source(count: usize, rows_each: usize) -> Rows {
    let last = |mut row: TrajectoryRow| {
        row.final_observation = Some(format!("end of {}", row.trajectory_id));
        row
    };
    Rows(rows(count).into_iter().map(last).collect::<Vec<_>>().chunks(rows_each).map(<[_]>::to_vec).collect())
}

/// The rows of a source that have turns.
fn with_turns(source: &Rows) -> Vec<TrajectoryRow> {
    source.0.concat().into_iter().filter(|row| !row.turns.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same rows and bytes for any cut into batches and any number of threads, and the same rows for any cut into shards.
    #[test]
    fn copies_depend_on_neither_batches_nor_threads(
        count in 0..120_usize,
        rows_each in 1..50_usize,
        batch_rows in 1..40_usize,
        keeps_originals in any::<bool>(),
    ) {
        let stage = if keeps_originals { &BOTH } else { &RELABELLED };
        let source = source(count, rows_each);
        let (first, _first) = run(&source, stage, &options(1, 1024), OnError::Fail);
        let (second, _second) = run(&source, stage, &options(4, batch_rows), OnError::Fail);
        prop_assert_eq!(digests(&first.dataset), digests(&second.dataset));
        prop_assert_eq!(&first.stages[2].metrics, &second.stages[2].metrics);
        prop_assert_eq!(seen(&first.dataset), expected(&with_turns(&source), stage.keep));
        prop_assert_eq!(first.stages[2].rows, first.dataset.rows());
    }
}

/// Copies of these do not fit into what is made at once.
#[test]
fn large_rows_are_copied_too() {
    let mut large = vec![row(0, 0, None, 3), row(1, 0, None, 2)];
    for turn in large.iter_mut().flat_map(|row| &mut row.turns) {
        turn.action = turn.action.repeat(500_000);
    }
    let source = Rows(vec![large]);
    let (ran, _directory) = run(&source, &BOTH, &RunOptions::default(), OnError::Fail);
    assert!(seen(&ran.dataset) == expected(&with_turns(&source), Keep::Both));
}

#[test]
fn originals_stay_where_they_are_and_copies_lie_behind_them() {
    let source = Rows(vec![vec![row(0, 0, None, 2), row(1, 0, Some(1.0), 1)], vec![row(2, 1, Some(0.0), 3)]]);
    let (ran, _directory) = run(&source, &BOTH, &RunOptions::default(), OnError::Fail);
    let labels: Vec<&str> = ran.dataset.shards.iter().map(|shard| shard.label.as_str()).collect();
    assert_eq!(labels, ["rows 0", "rows 0, relabelled by achieved", "rows 1"]);
    let lie =
        |shard: usize, column: &str| ran.dataset.path_of(ran.dataset.shards[shard].file_of(&column.into()).unwrap());
    let name = |shard, column| lie(shard, column).file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(
        (name(0, "turns.action"), name(0, "relabelled")),
        ("rows.parquet".to_owned(), "columns.parquet".to_owned())
    );
    assert_eq!(
        (name(1, "turns.action"), name(1, "relabelled")),
        ("copies.parquet".to_owned(), "copies.parquet".to_owned())
    );
    let source = &source;
    let (alone, _alone) = run(source, &RELABELLED, &RunOptions::default(), OnError::Fail);
    assert_eq!((alone.dataset.shards.len(), alone.dataset.rows()), (1, 2));
    assert!(ran.dataset.facts.within_shards && !ran.dataset.schema.paths().is_empty());
}

#[test]
fn a_second_run_computes_nothing_and_another_name_gives_other_ids() {
    let (_directory, store) = store();
    let source = source(40, 15);
    let named = |name: &'static str| Chain { stages: vec![("rows", &source), (name, &BOTH)] };
    let first = named("achieved").run(&store, &RunOptions::default()).unwrap();
    let again = named("achieved").run(&store, &RunOptions::default()).unwrap();
    assert_eq!((first.stages[1].computed, again.stages[1].computed), (3, 0));
    assert_eq!(first.stages[1].dataset, again.stages[1].dataset);
    let other = named("other").run(&store, &RunOptions::default()).unwrap();
    assert_eq!(other.stages[1].computed, 3);
    assert!(seen(&other.dataset).keys().any(|id| id.contains("#other-1")));
}

#[test]
fn what_cannot_be_copied_is_put_aside_and_the_rest_is_as_if_it_had_never_been_there() {
    let source = source(60, 20);
    let picky = Achieved { keep: Keep::Both, faulty: "t0023" };
    let without: Vec<TrajectoryRow> =
        with_turns(&source).into_iter().filter(|row| row.trajectory_id != picky.faulty).collect();
    assert!(without.len() == with_turns(&source).len() - 1);
    // Others that are copied stand behind it in a batch, and do not.
    for batch_rows in [1024, 7] {
        let (ran, _directory) = run(&source, &picky, &options(2, batch_rows), OnError::Quarantine);
        assert_eq!(ran.stages[2].quarantined, 1);
        assert_eq!(seen(&ran.dataset), expected(&without, Keep::Both));
    }
}

#[test]
fn stages_behind_see_copies_as_groups_of_their_own() {
    let (_directory, store) = store();
    let source = source(90, 25);
    let centre = Centre { scope: Scope::Group, surplus: 0 };
    let stages: Vec<(&str, &dyn Stage)> = vec![("rows", &source), ("achieved", &BOTH), ("centre", &centre)];
    let ran = Chain { stages }.run(&store, &options(2, 16)).unwrap();
    let stages: Vec<(&str, &dyn Stage)> = vec![("rows", &source), ("centre", &centre)];
    let without = Chain { stages }.run(&store, &options(2, 16)).unwrap();
    let (copies, originals): (Vec<_>, Vec<_>) =
        centred(&ran.dataset).into_iter().partition(|(id, ..)| id.contains('#'));
    assert_eq!(originals, centred(&without.dataset));
    // Every copy is a success.
    assert!(!copies.is_empty() && copies.iter().all(|(_, value, _)| *value == Some(0.0)));
}

#[test]
fn copies_can_be_copied_and_the_whole_can_be_exported() {
    let (directory, store) = store();
    let source = source(30, 30);
    let stages: Vec<(&str, &dyn Stage)> = vec![("rows", &source), ("achieved", &BOTH), ("again", &Twice)];
    let ran = Chain { stages }.run(&store, &RunOptions::default()).unwrap();
    let rows = seen(&ran.dataset);
    assert_eq!(rows["t0003#achieved-1#again-1"].0.as_deref(), Some("t0003#achieved-1"));
    // What was a copy before stays one.
    assert_eq!((rows["t0003#achieved-1"].4, rows["t0003"].4), (Some(true), Some(false)));
    let out = directory.path().join("out.parquet");
    ran.dataset.write_parquet(&ran.dataset.shards, &out).unwrap();
}

/// Copies every row, and calls the copy as the first stage would have.
struct Twice;

impl Stage for Twice {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::relabelled(input, Keep::Both) })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Twice {
    fn apply(&self, batch: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Relabelled((0..batch.rows()).map(|row| Relabelled { row, ..Relabelled::default() }).collect()))
    }
}

impl Transform for Twice {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[test]
fn an_id_that_is_taken_is_an_error() {
    let (_directory, store) = store();
    let taken = TrajectoryRow { trajectory_id: "t0000#again-1".to_owned(), ..row(1, 0, None, 1) };
    let source = Rows(vec![vec![row(0, 0, None, 1)], vec![taken]]);
    let error = Chain { stages: vec![("rows", &source), ("again", &Twice)] }.run(&store, &RunOptions::default());
    insta::assert_snapshot!(error.err().unwrap(), @"stage `again`: trajectory `t0000#again-1`: two rows have the same trajectory id: row 0 of `rows 0, relabelled by again` and row 0 of `rows 1`");
}

/// Returns these copies, whatever it gets.
struct Lying(fn() -> Vec<Relabelled>);

impl Stage for Lying {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        Twice.contract(&InputTypes::from(input))
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Lying {
    fn apply(&self, _: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        Ok(Output::Relabelled((self.0)()))
    }
}

impl Transform for Lying {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[test]
fn copies_that_cannot_be_are_not_believed() {
    let said = |copies| {
        let (_directory, store) = store();
        let (source, stage) = (Rows(vec![rows(3)]), Lying(copies));
        let ran = Chain { stages: vec![("rows", &source), ("lying", &stage)] }.run(&store, &RunOptions::default());
        ran.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let told = [
        said(|| vec![Relabelled { row: 3, ..Relabelled::default() }]),
        said(|| [1, 0].map(|row| Relabelled { row, ..Relabelled::default() }).to_vec()),
        said(|| vec![Relabelled { row: 2, keep_turns: Some(3), ..Relabelled::default() }]),
        said(|| vec![Relabelled::default(); 1025]),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    stage `lying`: the stage returned something else than its contract promises
    stage `lying`: the stage returned something else than its contract promises
    stage `lying`: the stage returned what no copy can be: trajectory `row 2`: a copy keeps 3 of 2 turns
    stage `lying`: the stage returned what no copy can be: trajectory `row 0`: 1025 copies of one trajectory, and 1024 are the most
    ");
}
