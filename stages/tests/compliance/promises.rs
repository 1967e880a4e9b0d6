//! The promises, and holding a stage to them.

use std::collections::BTreeSet;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, InputTypes, OUT};
use sternlight_engine::dataset::Dataset;
use sternlight_engine::stage::{Built, StageError};
use sternlight_engine::trajectory::{TrajectoryBatch, TrajectorySchema, validate};
use sternlight_stages::registry;

use crate::hard::{self, Hard};
use crate::relabelled::{are_relabelled, by_id};
use crate::replay::{Made, Place, Replayed, Way, digests, inputs_of, rows};
use crate::rows::Rows;
use crate::{Case, Input};

const FIRST: Way = Way { threads: 1, rows: 1024 };
const OTHERS: [Way; 2] = [Way { threads: 4, rows: 7 }, Way { threads: 2, rows: 1 }];

/// So many that groups lie scattered.
const SHARD_ROWS: usize = 3;

pub(crate) fn keeps_its_promises(case: &Case) {
    match &case.input {
        Input::Files(files) => {
            for options in &case.options {
                reads_files(case.stage, options, files);
            }
        }
        Input::Rows => {
            let mut added = BTreeSet::new();
            for hard in hard::all() {
                let place = Place::new();
                for options in &case.options {
                    let told = format!("`{}` with {options} over {}", case.stage, hard.name);
                    let columns = works_on(&place, case.stage, options, &hard, &told);
                    // A column that the options name is theirs, with what stands beside it.
                    let named = |path: &String| options.contains(path.trim_end_matches("_return"));
                    added.extend(columns.into_iter().filter(|path| !named(path)));
                }
            }
            let provides = registry().get(case.stage).unwrap().provides;
            let provides: BTreeSet<String> = provides.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(provides, added, "`{}` says that it provides what it adds under some option", case.stage);
        }
    }
}

/// Holds a stage with these options to its promises over some rows; the columns that it adds.
fn works_on(place: &Place, stage: &str, options: &str, hard: &Hard, told: &str) -> Vec<String> {
    let built = place.build(stage, options).unwrap_or_else(|problems| panic!("{told}: {problems:?}"));
    let input = &hard.rows.schema;
    let contract = match built.stage.contract(&inputs_of(built.stage.as_ref(), input)) {
        Ok(contract) => contract,
        Err(_) if hard.lacks_columns => return Vec::new(),
        Err(problems) => panic!("{told}: {problems:?}"),
    };
    if contract.reads.iter().any(|path| !path.is_turn_counts() && !input.has(path.as_str())) {
        assert!(hard.lacks_columns, "{told}: it reads {:?}", contract.reads);
        return Vec::new();
    }
    match place.replay(Some(&hard.rows), (stage, &built), FIRST, true) {
        Ok(first) => {
            does_what_it_declares(&contract, options, &first, told);
            repeats(place, (stage, &built), hard, &first, told);
            does_not_see_shards((stage, options), hard, &first, told);
        }
        Err(error) => {
            assert!(hard.may_be_refused, "{told}: {error}");
            refuses_the_same(place, (stage, &built), hard, &error, told);
        }
    }
    match &contract.effect {
        Effect::Columns { adds, .. } => adds.iter().map(|column| column.path.to_string()).collect(),
        // The others are added only where the schema's own are lacking.
        Effect::Relabelled { adds, .. } => {
            let paths = adds.iter().map(|column| column.path.to_string());
            paths.filter(|path| path.starts_with("relabel") || path.starts_with("source_")).collect()
        }
        _ => Vec::new(),
    }
}

/// The columns and rows that come out are those of the contract.
fn does_what_it_declares(contract: &Contract, options: &str, replayed: &Replayed, told: &str) {
    let input = &replayed.datasets[0];
    let before = rows(input);
    let Effect::Columns { adds, drops } = &contract.effect else {
        return match &contract.effect {
            Effect::Relabelled { .. } => are_relabelled(contract, options, input, &replayed.datasets[1], told),
            Effect::Subset => chooses_rows(input, &replayed.datasets[1], told),
            Effect::Sink => {
                assert_eq!(replayed.made.rows, input.rows(), "{told}");
                assert!(!replayed.made.files.is_empty(), "{told}");
            }
            Effect::Whole(outputs) => {
                let made = replayed.made.outputs.keys().map(String::as_str);
                let dataset = replayed.datasets.get(1).map(|_| OUT);
                let made: BTreeSet<&str> = made.chain(dataset).collect();
                assert_eq!(made, outputs.iter().map(|(name, _)| name.as_str()).collect(), "{told}");
            }
            other => panic!("{told}: {other:?}"),
        };
    };
    let output = &replayed.datasets[1];
    assert_eq!(output.schema.paths(), contract.output(&input.schema).paths(), "{told}");
    let after = rows(output);
    assert_eq!(before.is_some(), after.is_some(), "{told}");
    let (Some(before), Some(after)) = (before, after) else { return };
    valid(&after, told);
    let (before, after) = (TrajectoryBatch::new(before).unwrap(), TrajectoryBatch::new(after).unwrap());
    assert_eq!(before.turn_offsets(), after.turn_offsets(), "{told}");
    for path in output.schema.paths() {
        let column = after.column(path.as_str()).unwrap();
        match adds.iter().find(|added| added.path == path) {
            Some(added) => assert_eq!(*column.data_type(), added.data_type, "{told}: `{path}`"),
            None => assert!(before.column(path.as_str()).unwrap() == column, "{told}: `{path}` has changed"),
        }
    }
    for path in input.schema.paths() {
        assert!(output.schema.has(path.as_str()) != drops.contains(&path), "{told}: `{path}`");
    }
    // What is not touched is not written again either.
    for (old, new) in input.shards.iter().zip(&output.shards) {
        let untouched = |path: &&ColumnPath| !adds.iter().any(|added| added.path == **path) && !drops.contains(path);
        for path in input.schema.paths().iter().filter(untouched) {
            assert_eq!(old.file_of(path), new.file_of(path), "{told}: `{path}`");
        }
    }
}

/// The rows are some of those that went in, in order, and nothing was written.
fn chooses_rows(input: &Dataset, output: &Dataset, told: &str) {
    assert_eq!(input.schema, output.schema, "{told}");
    assert_eq!(digests(input), digests(output), "{told}");
    let ids = |dataset: &Dataset| -> Vec<String> {
        let batch = rows(dataset);
        let ids = batch.iter().flat_map(|batch| batch.column_by_name("trajectory_id").unwrap().as_string::<i32>());
        ids.map(|id| id.unwrap().to_owned()).collect()
    };
    let mut all = ids(input).into_iter();
    for kept in ids(output) {
        assert!(all.any(|id| id == kept), "{told}: `{kept}` is not in its place");
    }
}

/// The same bytes on other threads and in other batches, and nothing to do the second time.
fn repeats(place: &Place, stage: (&str, &Built), hard: &Hard, first: &Replayed, told: &str) {
    for way in OTHERS.iter().take(if hard.is_large { 1 } else { 2 }) {
        let again = place.replay(Some(&hard.rows), stage, *way, false);
        let again = again.unwrap_or_else(|error| panic!("{told}, {way:?}: {error}"));
        same(&first.made, &again.made, &format!("{told}, {way:?}"));
    }
    let again = place.replay(Some(&hard.rows), stage, FIRST, true).unwrap();
    assert_eq!(again.computed, 0, "{told}: the second time");
    same(&first.made, &again.made, &format!("{told}, the second time"));
}

fn same(first: &Made, again: &Made, told: &str) {
    let names = |made: &Made| made.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(first), names(again), "{told}");
    for (name, bytes) in &first.files {
        assert!(again.files[name] == *bytes, "{told}: `{name}` differs");
    }
    let but_files = |made: &Made| Made { files: Default::default(), ..made.clone() };
    assert_eq!(but_files(first), but_files(again), "{told}");
}

/// The same rows come out if they come in otherwise cut.
fn does_not_see_shards((stage, options): (&str, &str), hard: &Hard, first: &Replayed, told: &str) {
    let Some(expected) = first.datasets.get(1).and_then(rows).filter(|_| !hard.is_large) else { return };
    let place = Place::new();
    let built = place.build(stage, options).unwrap();
    let again = place.replay(Some(&hard.rows.cut(SHARD_ROWS)), (stage, &built), FIRST, true);
    let again = again.unwrap_or_else(|error| panic!("{told}, in other shards: {error}"));
    let given = rows(&again.datasets[1]).unwrap();
    // Copies lie behind the shard of their originals.
    let same = match built.stage.contract(&inputs_of(built.stage.as_ref(), &hard.rows.schema)).unwrap().effect {
        Effect::Relabelled { .. } => by_id(&given) == by_id(&expected),
        _ => given == expected,
    };
    assert!(same, "{told}: other shards give other values");
}

/// An error names a row, and the same one whatever the batches.
fn refuses_the_same(place: &Place, stage: (&str, &Built), hard: &Hard, error: &StageError, told: &str) {
    assert!(error.trajectory.is_some(), "{told}: {error}");
    for way in OTHERS {
        let again = place.replay(Some(&hard.rows), stage, way, false).err();
        assert_eq!(again.as_ref(), Some(error), "{told}, {way:?}");
    }
}

pub(crate) fn valid(batch: &RecordBatch, told: &str) {
    let violations = validate(&TrajectoryBatch::new(batch.clone()).unwrap());
    // The harness itself hands numbers in that no importer lets through.
    let own = violations.iter().filter(|violation| !violation.message.contains("finite"));
    assert_eq!(own.map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new(), "{told}");
}

/// A source gives what it declares, and the same bytes whoever asks.
fn reads_files(stage: &str, options: &str, files: &[(&str, Vec<u8>)]) {
    let told = format!("`{stage}` with {options}");
    let mut first: Option<(Made, Option<RecordBatch>)> = None;
    for way in [FIRST].iter().chain(&OTHERS) {
        let place = Place::new();
        for (name, bytes) in files {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let built = place.build(stage, options).unwrap_or_else(|problems| panic!("{told}: {problems:?}"));
        assert!(built.stage.ports().inputs.is_empty(), "{told}");
        let contract = built.stage.contract(&InputTypes::from(&TrajectorySchema::empty())).unwrap();
        let replayed = place.replay(None, (stage, &built), *way, true);
        let Replayed { made, datasets, .. } = replayed.unwrap_or_else(|error| panic!("{told}: {error}"));
        if let Effect::Source(schema) = &contract.effect {
            assert_eq!(datasets[0].schema, *schema, "{told}");
        }
        let read = datasets.first().and_then(rows);
        read.iter().for_each(|batch| valid(batch, &told));
        let second = place.replay(None, (stage, &built), *way, true).unwrap();
        assert_eq!(second.computed, 0, "{told}: the second time");
        same(&made, &second.made, &told);
        let (first_made, first_read) = first.get_or_insert((made.clone(), read.clone()));
        assert!(*first_read == read, "{told}, {way:?}: other rows");
        // Where a file is referred to in place, its digest says which file it is, which is another each time.
        let is_in_place = options.contains("parquet") && stage == "import";
        let digests = if is_in_place { first_made.digests.clone() } else { made.digests.clone() };
        same(first_made, &Made { digests, ..made }, &format!("{told}, {way:?}"));
    }
}

/// Holds a stage to its promises over rows that were drawn.
pub(crate) fn keeps_its_promises_over(case: &Case, rows: Rows) {
    let hard = Hard { name: "drawn rows", rows, may_be_refused: true, lacks_columns: false, is_large: false };
    let place = Place::new();
    for options in &case.options {
        works_on(&place, case.stage, options, &hard, &format!("`{}` with {options} over drawn rows", case.stage));
    }
}
