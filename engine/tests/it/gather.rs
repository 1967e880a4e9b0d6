//! Groups that are scattered over shards: the same values as in one place, whatever partitions, memory and threads.

use std::sync::atomic::{AtomicBool, Ordering};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use sternlight_engine::contract::{Contract, InputTypes, Scope};
use sternlight_engine::dataset::{FilePath, Shard, leaves_of};
use sternlight_engine::event::Event;
use sternlight_engine::problem::Problem;
use sternlight_engine::run::{ResultOptions, RunOptions};
use sternlight_engine::stage::{Context, Output, Session, Stage, StageError, TaskContext, Transform, Work};
use sternlight_engine::store::Store;
use sternlight_engine::trajectory::TrajectoryBatch;

use crate::fixtures::{AtLeast, Centre, Chain, Rows, centred, digests, options, row, rows, store};

const CENTRE: Centre = Centre { scope: Scope::Group, surplus: 0 };

fn chain<'a>(source: &'a Rows, stage: &'a dyn Stage) -> Chain<'a> {
    Chain { stages: vec![("rows", source), ("filter", &AtLeast(1)), ("centre", stage)] }
}

fn in_shards_of(rows_each: usize, count: usize) -> Rows {
    Rows(rows(count).chunks(rows_each).map(<[_]>::to_vec).collect())
}

/// With partitions of this many decoded bytes.
fn with_partitions_of(bytes: u64, options: RunOptions) -> RunOptions {
    RunOptions { results: ResultOptions { partition_bytes: bytes, ..options.results }, ..options }
}

fn partitions_of(bytes: u64) -> RunOptions {
    with_partitions_of(bytes, RunOptions::default())
}

fn tasks(events: &[Event], wanted: &str) -> usize {
    events.iter().filter(|event| matches!(event, Event::PartFinished { step, .. } if step == wanted)).count()
}

#[test]
fn scattered_groups_give_the_same_rows_as_one_shard() {
    let values = [(200, 1 << 20), (40, 1 << 20), (40, 500), (3, 100)].map(|(rows_each, bytes)| {
        let (_directory, store) = store();
        let source = in_shards_of(rows_each, 200);
        let ran = chain(&source, &CENTRE).run(&store, &partitions_of(bytes)).unwrap();
        assert_eq!(tasks(&ran.events, "scatter"), if rows_each == 200 { 0 } else { 200_usize.div_ceil(rows_each) });
        (ran.dataset.facts.within_shards, tasks(&ran.events, "group"), centred(&ran.dataset))
    });
    assert!(values[0].0 && !values[1].0);
    assert_eq!(values.each_ref().map(|value| value.1 > 1), [false, false, true, true]);
    assert!(values.windows(2).all(|pair| pair[0].2 == pair[1].2));
    // By hand: group g0 has rewards of rows 0, 7, 14, …; row 1 is the first of group g1 with turns.
    let (id, value, turns) = &values[0].2[0];
    assert_eq!(id, "t0001");
    assert_eq!(turns, &vec![*value; 1]);
}

#[test]
fn a_stage_that_sees_the_whole_dataset_gets_its_rows_in_order() {
    let dataset_wide = Centre { scope: Scope::Dataset, surplus: 0 };
    let values = [200, 40].map(|rows_each| {
        let (_directory, store) = store();
        let ran = chain(&in_shards_of(rows_each, 200), &dataset_wide).run(&store, &partitions_of(500)).unwrap();
        centred(&ran.dataset)
    });
    assert_eq!(values[0], values[1]);
}

#[test]
fn bytes_depend_on_neither_threads_nor_batches_nor_memory() {
    let source = in_shards_of(700, 3000);
    let mut seen = Vec::new();
    for (threads, batch_rows, memory) in [(1, 1024, 1 << 30), (4, 1024, 1 << 20), (2, 7, 1 << 20), (4, 1, 1 << 30)] {
        let (_directory, store) = store();
        let options = with_partitions_of(1500, RunOptions { memory, ..options(threads, batch_rows) });
        let ran = chain(&source, &CENTRE).run(&store, &options).unwrap();
        assert!(tasks(&ran.events, "group") > 2);
        let metrics = ran.stages.last().unwrap().metrics.clone();
        let valued = centred(&ran.dataset).iter().filter(|(_, value, _)| value.is_some()).count() as u64;
        assert_eq!(metrics.distribution("centred").map(|found| found.count), Some(valued));
        seen.push((digests(&ran.dataset), metrics));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn how_groups_lie_is_found_in_any_number_of_passes() {
    for (rows_each, memory) in [(50, 100), (50, 1 << 30), (7, 100), (7, 3000), (2, 1 << 30)] {
        let (_directory, store) = store();
        // Groups of seven rows each, next to each other.
        let mut all: Vec<_> = (0..70).map(|id| row(id, id / 7, Some(1.0), 1)).collect();
        if rows_each == 2 {
            all.swap(0, 69);
        }
        let source = Rows(all.chunks(rows_each).map(<[_]>::to_vec).collect());
        let options = RunOptions { memory, ..RunOptions::default() };
        let facts = Chain { stages: vec![("rows", &source)] }.run(&store, &options).unwrap().dataset.facts;
        assert_eq!((facts.adjacent, facts.within_shards), (rows_each != 2, rows_each == 7), "{rows_each} {memory}");
        all.push(row(3, 0, None, 1));
        let twice =
            Chain { stages: vec![("twice", &Rows(vec![all]))] }.run(&store, &options).err().unwrap().to_string();
        let expected = "two rows have the same trajectory id: row 3 of `rows 0` and row 70 of `rows 0`";
        assert!(twice.ends_with(expected), "{twice}");
    }
}

#[test]
fn what_is_too_large_is_named() {
    let (_directory, store) = store();
    let said = |rows_each: usize, stage: &Centre| {
        let small = RunOptions { memory: 1000, ..partitions_of(1000) };
        let error = chain(&in_shards_of(rows_each, 200), stage).run(&store, &small).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    insta::assert_snapshot!(said(40, &CENTRE), @"stage `centre`: group `g3` is too large: `group_id`, `reward`, `turns` of its 22 trajectories are 1 KiB, and computing their partition takes 23 KiB, more than the 1 KiB of `--memory`");
    let dataset_wide = Centre { scope: Scope::Dataset, surplus: 0 };
    insta::assert_snapshot!(said(40, &dataset_wide), @"stage `centre`: it must see `group_id`, `reward`, `turns` of all 150 trajectories at once, which takes 23 KiB, more than the 1 KiB of `--memory`");
}

/// Centres, but fails while it is told to.
struct Failing(AtomicBool);

impl Stage for Failing {
    fn contract(&self, inputs: &InputTypes) -> Result<Contract, Vec<Problem>> {
        let input = inputs.data();
        CENTRE.contract(&InputTypes::from(input))
    }

    fn work(&self) -> Work<'_> {
        Work::Transform(self)
    }
}

impl Failing {
    fn apply(&self, batch: &TrajectoryBatch, context: &mut Context) -> Result<Output, StageError> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(StageError::new("not yet")),
            false => CENTRE.apply_once(batch, context),
        }
    }
}

impl Transform for Failing {
    fn begin<'a>(&'a self, _: &TaskContext<'a>) -> Result<Box<dyn Session + 'a>, StageError> {
        Ok(Box::new(|batch: &TrajectoryBatch, context: &mut Context| self.apply(batch, context)))
    }
}

/// Flips a byte of a column in the store.
fn damage(store: &Store, shard: &Shard, column: &str) {
    let FilePath::Store(path) = &shard.file_of(&column.into()).unwrap().path else { panic!("it lies elsewhere") };
    let path = store.root().join(path);
    let file = std::fs::File::open(&path).unwrap();
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let leaf = leaves_of(footer.schema(), &column.into()).unwrap().start;
    let (start, length) = footer.metadata().row_group(0).column(leaf).byte_range();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(start + length / 2) as usize] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn what_was_exchanged_is_used_after_a_failure_and_gone_after_success() {
    let (_directory, store) = store();
    let exchange = store.root().join("exchange");
    let (source, stage) = (in_shards_of(40, 200), Failing(AtomicBool::new(true)));
    let rows = Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1))] }.run(&store, &partitions_of(500));
    assert!(chain(&source, &stage).run(&store, &partitions_of(500)).is_err());
    // What was handed out to partitions is not read from the shards again.
    rows.unwrap().dataset.shards.iter().for_each(|shard| damage(&store, shard, "reward"));
    stage.0.store(false, Ordering::Relaxed);
    // A run that is still going on needs it too.
    let other = store.exchange().unwrap();
    chain(&source, &stage).run(&store, &partitions_of(500)).unwrap();
    assert!(exchange.join("commits").exists());
    other.clear().unwrap();
    assert!(!exchange.exists());
}

#[test]
fn a_flipped_byte_of_an_exchange_file_is_never_used() {
    let (_directory, store) = store();
    let (source, stage) = (in_shards_of(40, 200), Failing(AtomicBool::new(true)));
    assert!(chain(&source, &stage).run(&store, &partitions_of(500)).is_err());
    stage.0.store(false, Ordering::Relaxed);
    let data = walk(&store.root().join("exchange/data"));
    for file in &data {
        let mut bytes = std::fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).unwrap();
    }
    let error = chain(&source, &stage).run(&store, &partitions_of(500)).err().unwrap().to_string();
    assert!(error.contains("the bytes are not those that were written"), "{error}");
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
