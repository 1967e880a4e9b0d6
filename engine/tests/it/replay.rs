//! Results do not depend on threads, batches or shards; only what changed is computed again; errors name the place.

use std::fs;

use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use sternlight_engine::contract::Scope;
use sternlight_engine::event::Event;
use sternlight_engine::run::RunOptions;
use sternlight_engine::stage::Stage;
use sternlight_engine::trajectory::{TrajectorySchema, imported_schema};

use crate::fixtures::{
    AtLeast, Centre, Centred, Chain, Drop, InPlace, Rows, centred, digests, options, row, rows, store,
};

const CENTRE: Centre = Centre { scope: Scope::Group, surplus: 0 };

fn chain(source: &Rows) -> Chain<'_> {
    Chain { stages: vec![("rows", source), ("filter", &AtLeast(1)), ("centre", &CENTRE)] }
}

#[test]
fn bytes_depend_on_neither_threads_nor_batches() {
    let source = Rows(rows(3000).chunks(1700).map(<[_]>::to_vec).collect());
    let mut seen = Vec::new();
    for (threads, batch_rows) in [(1, 1024), (2, 1024), (2, 7), (1, 1)] {
        let (_directory, store) = store();
        let ran = chain(&source).run(&store, &options(threads, batch_rows)).unwrap();
        assert_eq!(ran.stages[2].rows, 2250);
        seen.push((digests(&ran.dataset), ran.stages.last().unwrap().metrics.clone()));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_second_run_computes_nothing_and_a_changed_stage_only_itself() {
    let (_directory, store) = store();
    let source = Rows(vec![rows(50), rows(90).split_off(50)]);
    let first = chain(&source).run(&store, &RunOptions::default()).unwrap();
    assert!(first.stages.iter().all(|stage| stage.cached == 0 && stage.computed > 0));
    let second = chain(&source).run(&store, &RunOptions::default()).unwrap();
    assert!(second.stages.iter().all(|stage| stage.computed == 0 && stage.cached > 0));
    assert!(!second.events.iter().any(|event| matches!(event, Event::PartFinished { .. })));
    for (before, after) in first.stages.iter().zip(&second.stages) {
        assert_eq!((&before.metrics, before.rows, &before.dataset), (&after.metrics, after.rows, &after.dataset));
    }
    let dataset_wide = Centre { scope: Scope::Dataset, surplus: 0 };
    let changed = Chain { stages: vec![("rows", &source), ("filter", &AtLeast(1)), ("centre 2", &dataset_wide)] };
    let third = changed.run(&store, &RunOptions::default()).unwrap();
    assert_eq!(third.stages.iter().map(|stage| stage.computed).collect::<Vec<_>>(), [0, 0, 2]);
    assert_eq!(centred(&third.dataset), centred(&first.dataset));
}

#[test]
fn a_filter_that_keeps_the_same_rows_spares_what_lies_below() {
    let (_directory, store) = store();
    let source = Rows(vec![vec![row(0, 0, Some(1.0), 2), row(1, 0, Some(0.0), 2), row(2, 0, Some(0.0), 0)]]);
    let with = |minimum| {
        let stage = AtLeast(minimum);
        let name = format!("filter {minimum}");
        let chain = Chain { stages: vec![("rows", &source), (name.as_str(), &stage), ("centre", &CENTRE)] };
        chain.run(&store, &RunOptions::default()).unwrap()
    };
    assert_eq!(with(1).stages[2].computed, 1);
    let ran = with(2);
    assert_eq!((ran.stages[1].computed, ran.stages[2].computed), (1, 0));
}

#[test]
fn other_rows_of_the_same_columns_are_another_input() {
    let (_directory, store) = store();
    let source = Rows(vec![vec![row(0, 0, Some(1.0), 1), row(1, 0, Some(0.0), 2), row(2, 0, Some(1.0), 2)]]);
    let with = |minimum| {
        let stage = AtLeast(minimum);
        let name = format!("filter {minimum}");
        let chain = Chain { stages: vec![("rows", &source), (name.as_str(), &stage), ("centre", &CENTRE)] };
        centred(&chain.run(&store, &RunOptions::default()).unwrap().dataset)
    };
    let value = |rows: &[Centred], id: &str| {
        rows.iter().find(|(known, ..)| known == id).and_then(|(_, value, _)| *value).unwrap()
    };
    let (all, two) = (with(1), with(2));
    assert!((value(&all, "t0001") + 2.0 / 3.0).abs() < 1e-6);
    assert_eq!((two.len(), value(&two, "t0001"), value(&two, "t0002")), (2, -0.5, 0.5));
}

#[test]
fn rows_that_a_filter_dropped_are_null_in_the_column_file_and_absent_from_the_dataset() {
    let (_directory, store) = store();
    let source = Rows(vec![vec![row(0, 0, Some(1.0), 0), row(1, 0, Some(0.0), 2), row(2, 0, Some(1.0), 1)]]);
    let ran = chain(&source).run(&store, &RunOptions::default()).unwrap();
    let expected = [("t0001", Some(-0.5), vec![Some(-0.5); 2]), ("t0002", Some(0.5), vec![Some(0.5)])];
    assert_eq!(centred(&ran.dataset), expected.map(|(id, value, turns)| (id.to_owned(), value, turns)));
    let mut all = ran.dataset;
    all.shards[0].selection = None;
    assert_eq!(centred(&all)[0], ("t0000".to_owned(), None, vec![]));
}

#[test]
fn nothing_kept_and_nothing_there_are_no_errors() {
    let (_directory, store) = store();
    for source in [Rows(vec![]), Rows(vec![vec![row(0, 0, None, 0)]])] {
        let ran = chain(&source).run(&store, &RunOptions::default()).unwrap();
        assert_eq!(ran.dataset.rows(), 0);
    }
}

#[test]
fn the_first_groups_can_be_tried() {
    let (_directory, store) = store();
    let source = Rows(rows(100).chunks(30).map(<[_]>::to_vec).collect());
    let mut limited = RunOptions::default();
    limited.results.limit = Some(2);
    let ran = Chain { stages: vec![("rows", &source)] }.run(&store, &limited).unwrap();
    assert_eq!(ran.dataset.rows(), (0..100).filter(|id| id % 7 < 2).count() as u64);
    let whole = Chain { stages: vec![("rows", &source)] }.run(&store, &RunOptions::default()).unwrap();
    assert_eq!((whole.stages[0].computed, whole.dataset.rows()), (0, 100));
}

#[test]
fn errors_name_the_stage_and_the_place() {
    let (_directory, store) = store();
    let error =
        |chain: &Chain<'_>, options: &RunOptions| chain.run(&store, options).err().map(|error| error.to_string());

    let twice = Rows(vec![vec![row(1, 0, None, 1)], vec![row(2, 0, None, 1), row(1, 0, None, 1)]]);
    insta::assert_snapshot!(error(&Chain { stages: vec![("rows", &twice)] }, &RunOptions::default()).unwrap_or_default(),
        @"stage `rows`: trajectory `t0001`: two rows have the same trajectory id: row 0 of `rows 0` and row 1 of `rows 1`");

    let source = Rows(vec![rows(20)]);
    let lying = Centre { scope: Scope::Group, surplus: 1 };
    insta::assert_snapshot!(error(&Chain { stages: vec![("rows", &source), ("lying", &lying)] }, &RunOptions::default()).unwrap_or_default(),
        @"stage `lying`: the stage returned 21 values of type Float32 for column `centred`, expected 20 of type Float32");
}

#[test]
fn somebody_elses_parquet_is_read_where_it_lies() {
    let (directory, store) = store();
    let path = directory.path().join("foreign.parquet");
    foreign_file(&path, &["x", "y", "z"], &[2, 1]);
    let source = InPlace(path.clone(), 2, foreign_schema(&[]));
    let chain = Chain { stages: vec![("in place", &source), ("centre", &CENTRE)] };
    let ran = chain.run(&store, &RunOptions::default()).unwrap();
    let values: Vec<_> = centred(&ran.dataset).into_iter().map(|(id, value, turns)| (id, value, turns.len())).collect();
    assert_eq!(
        values,
        [("x".to_owned(), Some(-1.0), 2), ("y".to_owned(), Some(0.0), 0), ("z".to_owned(), Some(1.0), 1)]
    );
    assert!(fs::metadata(&path).is_ok());
}

pub(crate) fn foreign_schema(extra: &[&str]) -> TrajectorySchema {
    let columns = ["trajectory_id", "group_id", "reward", "status", "turns.observation", "turns.action"];
    let columns: Vec<_> = columns.iter().chain(extra).map(|column| (*column).into()).collect();
    imported_schema().project(&columns)
}

#[test]
fn row_groups_without_rows_are_passed() {
    for groups in [&[0, 2, 0, 0, 1, 0][..], &[3, 0], &[]] {
        let (directory, store) = store();
        let path = directory.path().join("foreign.parquet");
        foreign_file(&path, &["x", "y", "z"], groups);
        let source = InPlace(path, groups.len(), foreign_schema(&[]));
        let ran = chain_in_place(&source).run(&store, &RunOptions::default()).unwrap();
        let values: Vec<_> = centred(&ran.dataset).into_iter().map(|(id, value, _)| (id, value)).collect();
        let expected = [("x".to_owned(), Some(-1.0)), ("z".to_owned(), Some(1.0))];
        assert_eq!(values, if groups.is_empty() { &[] } else { &expected[..] }, "{groups:?}");
        let out = directory.path().join("out.parquet");
        ran.dataset.write_parquet(&ran.dataset.shards, &out).unwrap();
    }
}

fn chain_in_place(source: &InPlace) -> Chain<'_> {
    Chain { stages: vec![("in place", source), ("filter", &AtLeast(1)), ("centre", &CENTRE)] }
}

#[test]
fn a_foreign_file_that_was_changed_is_not_read_as_what_it_was() {
    let (directory, store) = store();
    let path = directory.path().join("foreign.parquet");
    foreign_file(&path, &["x", "y", "z"], &[3]);
    let source = InPlace(path.clone(), 1, foreign_schema(&[]));
    let ran = Chain { stages: vec![("in place", &source)] }.run(&store, &RunOptions::default()).unwrap();
    foreign_file(&path, &["x", "y", "w"], &[3]);
    let error = ran.dataset.read(&ran.dataset.shards[0], &["reward".into()], Default::default()).err().unwrap();
    assert!(error.to_string().ends_with("foreign.parquet` was changed since it was imported"), "{error}");
}

#[test]
fn a_foreign_value_that_does_not_fit_is_no_null() {
    let (directory, store) = store();
    let path = directory.path().join("foreign.parquet");
    foreign_file(&path, &["x", "y", "z"], &[3]);
    let source = InPlace(path, 1, foreign_schema(&["seed"]));
    let ran = Chain { stages: vec![("in place", &source)] }.run(&store, &RunOptions::default()).unwrap();
    let read = ran.dataset.read(&ran.dataset.shards[0], &["seed".into()], Default::default()).unwrap();
    let error = read.collect::<Result<Vec<_>, _>>().unwrap_err();
    assert!(error.to_string().contains("foreign.parquet: "), "{error}");
    insta::assert_snapshot!(error.message, @"column `seed` has type Int64, expected values of type UInt64: Can't cast value -3 to type UInt64");
}

#[test]
fn a_stage_may_only_drop_columns() {
    let (_directory, store) = store();
    let source = Rows(rows(20).chunks(10).map(<[_]>::to_vec).collect());
    for scope in [Scope::Trajectory, Scope::Dataset] {
        let drop = Drop { columns: &["reward", "turns.observation"], scope };
        let stages: Vec<(&str, &dyn Stage)> = vec![("rows", &source), ("filter", &AtLeast(1)), ("drop", &drop)];
        let ran = Chain { stages }.run(&store, &RunOptions::default()).unwrap();
        assert!(ran.dataset.shards.iter().all(|shard| !shard.columns.contains_key(&"reward".into())));
        let batches = ran.dataset.shards.iter().flat_map(|shard| {
            ran.dataset.read(shard, &ran.dataset.schema.paths(), Default::default()).unwrap().map(Result::unwrap)
        });
        assert_eq!(batches.map(|batch| batch.rows()).sum::<usize>(), 15);
    }
}

/// Large strings, large lists, doubles, nullable lists: what other writers bring.
pub(crate) fn foreign_file(path: &std::path::Path, ids: &[&str], row_groups: &[usize]) {
    use arrow::array::{Float64Array, Int64Array, LargeListArray, LargeStringArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::arrow::arrow_writer::compute_leaves;
    use std::sync::Arc;

    let turn_counts = [2usize, 0, 1];
    let text = |prefix: &str| {
        Arc::new(LargeStringArray::from_iter_values((0..3).map(|turn| format!("{prefix}{turn}")))) as ArrayRef
    };
    let turns = StructArray::from(vec![
        (Arc::new(Field::new("observation", DataType::LargeUtf8, true)), text("o")),
        (Arc::new(Field::new("action", DataType::LargeUtf8, true)), text("a")),
    ]);
    let item = Arc::new(Field::new("item", turns.data_type().clone(), true));
    let list = LargeListArray::new(item, OffsetBuffer::from_lengths(turn_counts), Arc::new(turns), None);
    let rewards = Float64Array::from_iter_values((0..ids.len()).map(|reward| reward as f64));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("trajectory_id", Arc::new(LargeStringArray::from_iter_values(ids))),
        ("group_id", Arc::new(StringArray::from_iter_values(ids.iter().map(|_| "g")))),
        ("reward", Arc::new(rewards)),
        ("seed", Arc::new(Int64Array::from(vec![1, 2, -3]))),
        ("turns", Arc::new(list)),
        ("status", Arc::new(StringArray::from_iter_values(ids.iter().map(|_| "done")))),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect()).unwrap();
    let writer =
        parquet::arrow::ArrowWriter::try_new(fs::File::create(path).unwrap(), Arc::clone(&schema), None).unwrap();
    let (mut writer, encoders) = writer.into_serialized_writer().unwrap();
    let mut start = 0;
    for rows in row_groups {
        let part = batch.slice(start, *rows);
        start += rows;
        let mut encoded = encoders.create_column_writers(writer.flushed_row_groups().len()).unwrap();
        let mut leaves = encoded.iter_mut();
        for (field, array) in schema.fields().iter().zip(part.columns()).filter(|_| *rows > 0) {
            for leaf in compute_leaves(field, array).unwrap() {
                leaves.next().unwrap().write(&leaf).unwrap();
            }
        }
        let mut group = writer.next_row_group().unwrap();
        encoded.into_iter().for_each(|leaf| leaf.close().unwrap().append_to_row_group(&mut group).unwrap());
        group.close().unwrap();
    }
    writer.close().unwrap();
}
