//! What the engine does when stages fail: puts rows aside, tries again, gives up in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arrow::array::{Array as _, BooleanArray};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, Scope};
use sternlight_engine::dataset::{BatchLimit, Dataset};
use sternlight_engine::event::Event;
use sternlight_engine::failure::{FailurePolicy, OnError, Retries};
use sternlight_engine::problem::Problem;
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::{
    Context, FaultyRecord, Memo, Output, Receiver, Session, Source, Stage, StageError, Survey, TaskContext, Transform,
    Work,
};
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::fixtures::{Centre, Chain, Ran, Rows, centred, digests, options, rows, store};

/// Rows that cannot be processed: every eleventh.
fn is_faulty(id: &str) -> bool {
    id.trim_start_matches('t').parse::<usize>().unwrap() % 11 == 3
}

/// Does what another stage does, but for some rows, and names them or not.
struct Picky<S> {
    stage: S,
    names: bool,
}

impl<S: Stage> Stage for Picky<S> {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        let mut contract = self.stage.contract(&InputTypes::from(input))?;
        contract.reads.extend(["trajectory_id", "source"].map(ColumnPath::from));
        Ok(contract)
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl<S: Stage> Picky<S> {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        if let Some(id) = batch.text("trajectory_id")?.iter().flatten().find(|id| is_faulty(id)) {
            let error = StageError::new("cannot be processed");
            return Err(if self.names { error.trajectory(id) } else { error });
        }
        let Work::Transform(transform) = self.stage.work() else { panic!("a transform") };
        transform.apply_once(batch, context)
    }
}

impl<S: Stage> Transform for Picky<S> {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Keeps every other row.
struct EveryOther;

impl Stage for EveryOther {
    fn contract(&self, _: &InputTypes) -> Result<Contract, Vec<Problem>> {
        Ok(Contract { reads: Vec::new(), scope: Scope::Trajectory, effect: Effect::Subset })
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl EveryOther {
    fn apply(&self, batch: &TrajectoryBatch, _: &mut Context) -> Result<Output, StageError> {
        let ids = batch.text("trajectory_id")?;
        Ok(Output::Keep(
            ids.iter().map(|id| id.map(|id| id.ends_with(['0', '2', '4', '6', '8']))).collect::<BooleanArray>(),
        ))
    }
}

impl Transform for EveryOther {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

const QUARANTINE: FailurePolicy =
    FailurePolicy { on_error: OnError::Quarantine, retries: Retries { times: 0, wait: Duration::ZERO }, timeout: None };

/// Id, stage, reason and place of the rows of a quarantine dataset.
fn put_aside(dataset: &Dataset) -> BTreeMap<String, [Option<String>; 3]> {
    let names = ["quarantine_stage", "quarantine_reason", "quarantine_place"];
    let mut rows = BTreeMap::new();
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &dataset.schema.paths(), BatchLimit::default()).unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.rows() {
                let texts = names.map(|name| batch.text(name).unwrap());
                let texts = texts.map(|text| text.is_valid(row).then(|| text.value(row).to_owned()));
                assert!(rows.insert(batch.name_of(row), texts).is_none());
            }
        }
    }
    rows
}

fn ids(dataset: &Dataset) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for shard in &dataset.shards {
        for batch in dataset.read(shard, &[ColumnPath::from("trajectory_id")], BatchLimit::default()).unwrap() {
            ids.extend(batch.unwrap().text("trajectory_id").unwrap().iter().flatten().map(str::to_owned));
        }
    }
    ids
}

fn shards(count: usize) -> Vec<Vec<sternlight_engine::trajectory::TrajectoryRow>> {
    rows(count).chunks(70).map(<[_]>::to_vec).collect()
}

fn run_picky<S: Stage>(picky: &Picky<S>, options: &RunOptions) -> (Ran, Dataset, tempfile::TempDir) {
    let (directory, store) = store();
    let source = Rows(shards(300));
    let chain = Chain { stages: vec![("rows", &source), ("picky", picky)] };
    let ran = chain.run_with(&store, options, &[("picky", QUARANTINE)]).unwrap();
    let quarantine = store.dataset(ran.stages[1].quarantine.as_ref().unwrap()).unwrap();
    let again = chain.run_with(&store, options, &[("picky", QUARANTINE)]).unwrap();
    assert_eq!((again.stages[1].computed, again.stages[1].quarantined), (0, ran.stages[1].quarantined));
    assert_eq!(again.stages[1].quarantine, ran.stages[1].quarantine);
    let told = |ran: &Ran| {
        ran.events.iter().filter(|event| matches!(event, Event::Quarantined { .. })).cloned().collect::<Vec<_>>()
    };
    assert_eq!(told(&again), told(&ran));
    (ran, quarantine, directory)
}

/// The same stage over the rows that are not at fault.
fn without_faults<S: Stage>(stage: &S) -> Ran {
    let (_directory, store) = store();
    let good =
        shards(300).into_iter().map(|shard| shard.into_iter().filter(|row| !is_faulty(&row.trajectory_id)).collect());
    let source = Rows(good.collect());
    let ran = Chain { stages: vec![("rows", &source), ("picky", stage)] }.run(&store, &options(2, 64)).unwrap();
    let dataset = ran.dataset.clone();
    Ran { dataset: kept(dataset, _directory), ..ran }
}

/// Keeps the store of a dataset until the test ends.
fn kept(dataset: Dataset, directory: tempfile::TempDir) -> Dataset {
    std::mem::forget(directory);
    dataset
}

#[test]
fn rows_at_fault_are_in_the_quarantine_and_nowhere_else() {
    for (scope, names) in [(Scope::Group, true), (Scope::Dataset, true)] {
        let picky = Picky { stage: Centre { scope, surplus: 0 }, names };
        let expected = without_faults(&picky.stage);
        let mut bytes = Vec::new();
        for options in [options(1, 1024), options(2, 7)] {
            let (ran, quarantine, _directory) = run_picky(&picky, &options);
            assert_eq!(centred(&ran.dataset), centred(&expected.dataset), "{scope:?}");
            assert_eq!(ran.stages[1].metrics, expected.stages[1].metrics, "{scope:?}");
            let aside = put_aside(&quarantine);
            assert!(aside.keys().all(|id| is_faulty(id)));
            assert_eq!((aside.len() as u64, ran.stages[1].quarantined), (27, 27));
            assert!(ids(&ran.dataset).iter().all(|id| !is_faulty(id)));
            assert_eq!(
                aside["t0003"],
                [Some("picky"), Some("cannot be processed"), None].map(|text| text.map(str::to_owned))
            );
            bytes.push((digests(&ran.dataset), digests(&quarantine)));
        }
        assert_eq!(bytes[0], bytes[1], "{scope:?}");
    }
}

#[test]
fn a_group_goes_as_a_whole_if_no_trajectory_is_named() {
    let picky = Picky { stage: Centre { scope: Scope::Group, surplus: 0 }, names: false };
    let (ran, quarantine, _directory) = run_picky(&picky, &options(2, 64));
    // Seven groups, all of which have rows at fault.
    assert_eq!((ran.stages[1].rows, quarantine.rows()), (0, 300));
    let told = ran.events.iter().filter(|event| matches!(event, Event::Quarantined { .. })).count();
    assert_eq!(told, 100);
}

#[test]
fn a_filter_puts_aside_what_it_cannot_judge() {
    let picky = Picky { stage: EveryOther, names: false };
    let (ran, quarantine, _directory) = run_picky(&picky, &options(2, 64));
    let (kept, aside) = (ids(&ran.dataset), put_aside(&quarantine));
    assert_eq!(kept.len(), 137);
    assert_eq!(aside.len(), 27);
    assert!(kept.iter().all(|id| !aside.contains_key(id)));
}

#[test]
fn what_was_put_aside_is_not_read_by_stages_below() {
    let (_directory, store) = store();
    let source = Rows(shards(300));
    let filter = Picky { stage: EveryOther, names: true };
    let centre = Centre { scope: Scope::Group, surplus: 0 };
    let chain = Chain { stages: vec![("rows", &source), ("filter", &filter), ("centre", &centre)] };
    let ran = chain.run_with(&store, &options(2, 64), &[("filter", QUARANTINE)]).unwrap();
    assert_eq!(centred(&ran.dataset).len(), 137);
    assert_eq!(ran.stages[2].quarantined, 0);
}

/// A source, some of whose records cannot be decoded; works the third time it is asked.
struct Shaky {
    rows: Rows,
    attempts: AtomicU32,
    works_at: u32,
    slow: Duration,
}

impl Stage for Shaky {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        self.rows.contract(&InputTypes::from(input))
    }

    fn work(&self) -> Work<'_> {
        Work::Source(self)
    }
}

impl Source for Shaky {
    fn survey(&self, memo: &dyn Memo) -> Result<Survey, StageError> {
        self.rows.survey(memo)
    }

    fn read(
        &self,
        survey: &Survey,
        shards: &[usize],
        task: &TaskContext<'_>,
        receiver: &mut dyn Receiver,
    ) -> Result<(), StageError> {
        for shard in shards {
            let record = FaultyRecord {
                error: StageError::new("is no record").place("here"),
                place: format!("shard {shard}"),
                raw: "[]".to_owned(),
            };
            receiver.faulty(*shard, record)?;
            if self.attempts.fetch_add(1, Ordering::SeqCst) + 1 < self.works_at {
                return Err(StageError::new("no answer").may_pass());
            }
            std::thread::sleep(self.slow);
            self.rows.read(survey, &[*shard], task, receiver)?;
        }
        Ok(())
    }
}

fn shaky(works_at: u32, slow: Duration) -> Shaky {
    Shaky { rows: Rows(shards(100)), attempts: AtomicU32::new(0), works_at, slow }
}

#[test]
fn a_source_puts_records_aside() {
    let (_directory, store) = store();
    let source = shaky(0, Duration::ZERO);
    let chain = Chain { stages: vec![("shaky", &source)] };
    let ran = chain.run_with(&store, &options(1, 64), &[("shaky", QUARANTINE)]).unwrap();
    assert_eq!((ran.dataset.rows(), ran.stages[0].quarantined), (100, 2));
    let aside = put_aside(&store.dataset(ran.stages[0].quarantine.as_ref().unwrap()).unwrap());
    let expected = |place: &str| ["shaky", "is no record", place].map(|text| Some(text.to_owned()));
    assert_eq!(aside["shard 1"], expected("shard 1"));
    let error = chain.run(&store, &options(1, 64)).err().unwrap().to_string();
    assert_eq!(error, "stage `shaky`: here: is no record");
}

#[test]
fn what_may_pass_is_tried_again_and_told() {
    let (_directory, store) = store();
    let source = shaky(3, Duration::ZERO);
    let chain = Chain { stages: vec![("shaky", &source)] };
    let policy = |times| {
        let retries = Retries { times, wait: Duration::from_millis(2) };
        FailurePolicy { retries, ..QUARANTINE }
    };
    let error = chain.run_with(&store, &options(1, 64), &[("shaky", policy(1))]).err().unwrap().to_string();
    assert_eq!(error, "stage `shaky`: no answer");
    let source = shaky(3, Duration::ZERO);
    let chain = Chain { stages: vec![("shaky", &source)] };
    let ran = chain.run_with(&store, &options(1, 64), &[("shaky", policy(2))]).unwrap();
    assert_eq!((ran.dataset.rows(), ran.stages[0].quarantined), (100, 2));
    let told: Vec<(u32, String, f64)> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Retried { attempt, reason, wait, .. } => Some((*attempt, reason.clone(), *wait)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, "no answer".to_owned(), 0.002), (2, "no answer".to_owned(), 0.004)]);
    // Attempts that failed leave nothing.
    let attempts = std::fs::read_dir(store.root().join("data")).unwrap();
    let attempts: usize = attempts.map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap().count()).sum();
    assert_eq!(attempts, 2);
}

#[test]
fn a_part_that_takes_too_long_is_given_up() {
    let (_directory, store) = store();
    let source = shaky(0, Duration::from_millis(60));
    let chain = Chain { stages: vec![("shaky", &source)] };
    let policy = |timeout| FailurePolicy { timeout: Some(Duration::from_millis(timeout)), ..QUARANTINE };
    let error = chain.run_with(&store, &options(1, 64), &[("shaky", policy(20))]).err().unwrap();
    insta::assert_snapshot!(error, @"stage `shaky`: rows 0: took longer than its `timeout` of 20ms");
    // Each of the two parts has the time to itself, and a time limit is in no key.
    let ran = chain.run_with(&store, &options(1, 64), &[("shaky", policy(10_000))]).unwrap();
    assert_eq!(ran.dataset.rows(), 100);
    let ran = chain.run_with(&store, &options(1, 64), &[("shaky", policy(20))]).unwrap();
    assert_eq!(ran.stages[0].computed, 0);
}
