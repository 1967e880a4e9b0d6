//! Stages that break their promises: the error names them, nothing is lost silently, and the run says how it ended.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::event::Event;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::{
    Context, LogLevel, Memo, Output, Receiver, Session, ShardContent, Source, SourceShard, Stage, StageError, Survey,
    TaskContext, Transform, Work,
};
use sternlight_engine::store::{PastStatus, Store};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectoryBuilder, imported_schema};

use crate::fixtures::{AtLeast, Centre, Chain, Rows, centred, options, row, rows, store};

/// Two shards of one stream, whose rows come in an order of its own: a row for each entry, which is its shard.
struct InOrder(&'static [usize]);

impl Stage for InOrder {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for InOrder {
    fn survey(&self, _memo: &dyn Memo) -> Result<Survey, StageError> {
        let shards = ["a", "b"].map(|name| SourceShard {
            label: name.to_owned(),
            key: vec![("name".to_owned(), name.to_owned())],
            stream: Some(0),
            content: ShardContent::Decoded(Arc::new(())),
        });
        Ok(Survey { shards: shards.to_vec(), warnings: Vec::new() })
    }

    fn read(
        &self,
        _: &Survey,
        _: &[usize],
        _: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        for (id, shard) in self.0.iter().enumerate() {
            let mut builder = TrajectoryBuilder::new();
            builder.push(&row(id, 0, None, 1));
            receiver.rows(*shard, builder.finish()?, Context::default())?;
        }
        Ok(())
    }
}

fn read_in_order(order: &'static [usize]) -> Result<Vec<u64>, String> {
    let (_directory, store) = store();
    let source = InOrder(order);
    let ran = Chain { stages: vec![("source", &source)] }.run(&store, &RunOptions::default());
    ran.map(|ran| ran.dataset.shards.iter().map(|shard| shard.rows()).collect()).map_err(|error| error.to_string())
}

#[test]
fn every_shard_that_was_asked_for_has_a_result() {
    assert_eq!(read_in_order(&[0, 0, 1]), Ok(vec![2, 1]));
    assert_eq!(read_in_order(&[1]), Ok(vec![0, 1]));
    assert_eq!(read_in_order(&[]), Ok(vec![0, 0]));
}

/// Cannot even look at its inputs.
struct Blind;

impl Stage for Blind {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Source(imported_schema()) })
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Blind {
    fn survey(&self, _memo: &dyn Memo) -> Result<Survey, StageError> {
        panic!("no light")
    }

    fn read(&self, _: &Survey, _: &[usize], _: &TaskContext<'_>, _: &mut dyn Receiver) -> Result<(), StageError> {
        Ok(())
    }
}

#[test]
fn a_run_says_how_it_ended_also_if_a_survey_panics() {
    let (_directory, store) = store();
    let error = Chain { stages: vec![("blind", &Blind)] }.run(&store, &RunOptions::default()).err().unwrap();
    insta::assert_snapshot!(error, @"stage `blind`: seeing what there is to do: the stage panicked: no light");
    assert_eq!(status_of_the_last_run(&store), PastStatus::Failed);
}

#[test]
fn rows_of_a_shard_that_is_complete_are_not_lost_silently() {
    insta::assert_snapshot!(read_in_order(&[0, 1, 0]).unwrap_err(), @"stage `source`: the source returned rows of the shard `a` after those of another, or without being asked for them");
    insta::assert_snapshot!(read_in_order(&[0, 2]).unwrap_err(), @"stage `source`: the source returned rows of shard 2, which it does not have");
}

#[test]
fn shards_without_rows_go_through_every_stage() {
    for scope in [Scope::Group, Scope::Dataset] {
        let centre = Centre { scope, surplus: 0 };
        let run = |shards| {
            let (directory, store) = store();
            let source = Rows(shards);
            let stages: Vec<(&str, &dyn Stage)> = vec![("rows", &source), ("filter", &AtLeast(1)), ("centre", &centre)];
            let ran = Chain { stages }.run(&store, &RunOptions::default()).unwrap();
            let out = directory.path().join("out.parquet");
            ran.dataset.write_parquet(&ran.dataset.shards, &out).unwrap();
            centred(&ran.dataset)
        };
        let with_empty = run(vec![vec![], rows(20), vec![], rows(40).split_off(20), vec![]]);
        assert_eq!(with_empty, run(vec![rows(20), rows(40).split_off(20)]));
        assert_eq!(run(vec![vec![], vec![]]), []);
    }
}

/// Keeps every row, but panics at one of this id.
struct PanicsAt(&'static str);

impl Stage for PanicsAt {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let reads = vec!["trajectory_id".into()];
        Ok(Contract { reads, scope: Scope::Trajectory, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl PanicsAt {
    fn apply(&self, batch: &TrajectoryBatch, _context: &mut Context) -> Result<Output, StageError> {
        assert!(batch.text("trajectory_id")?.iter().flatten().all(|id| id != self.0), "cannot stand {}", self.0);
        Ok(Output::Keep(vec![true; batch.rows()].into()))
    }
}

impl Transform for PanicsAt {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Keeps every row; whether it was disturbed turns out when a part is done. For as many parts it was not.
struct Disturbed<'a> {
    scope: Scope,
    quiet: &'a AtomicUsize,
    calls: &'a AtomicUsize,
}

impl Stage for Disturbed<'_> {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: vec!["group_id".into()], scope: self.scope, effect: Effect::Subset })
    }

    fn unchanged(&self) -> Result<(), StageError> {
        let quiet = self.quiet.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |quiet| quiet.checked_sub(1));
        quiet.map(|_| ()).map_err(|_| StageError::new("its rules were changed"))
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Disturbed<'_> {
    fn apply(&self, batch: &TrajectoryBatch, _context: &mut Context) -> Result<Output, StageError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(Output::Keep(vec![true; batch.rows()].into()))
    }
}

impl Transform for Disturbed<'_> {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Rows of a source that was disturbed.
struct DisturbedRows(Rows);

impl Stage for DisturbedRows {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        self.0.contract(&InputTypes::from(input))
    }

    fn unchanged(&self) -> Result<(), StageError> {
        Err(StageError::new("its rules were changed"))
    }

    fn work(&self) -> Work<'_> {
        self.0.work()
    }
}

#[test]
fn what_was_read_from_changed_files_is_not_kept() {
    let (_directory, store) = store();
    let source = DisturbedRows(Rows(vec![rows(10)]));
    let error = Chain { stages: vec![("rows", &source)] }.run(&store, &options(1, 1024)).err().unwrap();
    assert!(error.to_string().ends_with(": its rules were changed"), "{error}");
    let ran = Chain { stages: vec![("rows", &source.0)] }.run(&store, &options(1, 1024)).unwrap();
    assert_eq!((ran.stages[0].cached, ran.stages[0].computed), (0, 1));
}

#[test]
fn what_was_computed_from_changed_files_is_not_kept() {
    // Two of four parts are done; of rows that are brought together, not even the step before the first part.
    for (scope, quiet, kept) in [(Scope::Trajectory, 2, 2), (Scope::Dataset, 0, 0)] {
        let (_directory, store) = store();
        let source = Rows(rows(40).chunks(10).map(<[_]>::to_vec).collect());
        let calls = AtomicUsize::new(0);
        let run = |quiet: usize| {
            let stage = Disturbed { scope, quiet: &AtomicUsize::new(quiet), calls: &calls };
            Chain { stages: vec![("rows", &source), ("disturbed", &stage)] }.run(&store, &options(1, 1024))
        };
        let error = run(quiet).err().unwrap().to_string();
        assert!(error.starts_with("stage `disturbed`") && error.ends_with(": its rules were changed"), "{error}");
        calls.store(0, Ordering::Relaxed);
        let ran = run(usize::MAX).unwrap();
        assert_eq!((ran.stages[1].cached, ran.stages[1].computed, ran.stages[1].rows), (kept, 4 - kept, 40));
        assert!(calls.load(Ordering::Relaxed) > 0, "what came of changed files was taken up again");
    }
}

/// Says something about each batch.
struct Talks;

impl Stage for Talks {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: vec!["trajectory_id".into()], scope: Scope::Trajectory, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Talks {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        context.say(LogLevel::Info, format!("from {}", batch.name_of(0)));
        Ok(Output::Keep(vec![true; batch.rows()].into()))
    }
}

impl Transform for Talks {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

#[test]
fn what_a_stage_says_is_told_in_order_and_again_by_runs_that_compute_nothing() {
    let (_directory, store) = store();
    let source = Rows(rows(40).chunks(10).map(<[_]>::to_vec).collect());
    let run = || Chain { stages: vec![("rows", &source), ("talks", &Talks)] }.run(&store, &options(2, 1024)).unwrap();
    for computed in [4, 0] {
        let ran = run();
        let told = ran.events.iter().filter_map(|event| match event {
            Event::Logged { stage, level: LogLevel::Info, message } if stage == "talks" => Some(message.as_str()),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), ["from t0000", "from t0010", "from t0020", "from t0030"]);
        assert_eq!(ran.stages[1].computed, computed);
    }
}

fn status_of_the_last_run(store: &Store) -> PastStatus {
    store.runs().unwrap()[0].status
}

#[test]
fn a_panic_is_an_error_of_its_part_and_what_others_did_is_kept() {
    let (_directory, store) = store();
    let source = Rows(rows(40).chunks(10).map(<[_]>::to_vec).collect());
    let run = |id| Chain { stages: vec![("rows", &source), ("panics", &PanicsAt(id))] }.run(&store, &options(1, 1024));
    let error = run("t0033").err().unwrap();
    insta::assert_snapshot!(error, @"stage `panics`: rows 3: the stage panicked: cannot stand t0033");
    assert_eq!(status_of_the_last_run(&store), PastStatus::Failed);
    let attempts =
        fs::read_dir(store.root().join("data")).unwrap().flat_map(|entry| fs::read_dir(entry.unwrap().path()).unwrap());
    assert_eq!(attempts.count(), 4, "but for the source's four shards nothing is left");
    // With one thread the parts run in order.
    let ran = run("nobody").unwrap();
    assert_eq!((ran.stages[1].cached, ran.stages[1].computed, ran.stages[1].rows), (3, 1, 40));
    assert_eq!(status_of_the_last_run(&store), PastStatus::Done);
}
